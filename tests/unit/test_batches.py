import pytest
from pydantic import ValidationError

from schemas.batches import BatchRequest, parts_of
from schemas.orders import LARGEST_SEED, GenerationRequest


def test_each_seed_is_a_generation_of_the_request() -> None:
    batch = BatchRequest.model_validate({"request": {"model": "m", "prompt": "a boat"}, "seeds": [5, 3]})
    assert [(part.place, part.request.prompt, part.request.seed) for part in batch.parts()] == [
        ("seeds.0", "a boat", 5),
        ("seeds.1", "a boat", 3),
    ]


def test_each_output_is_a_request_with_the_next_seed() -> None:
    request = GenerationRequest(model="m", prompt="a boat", number_of_outputs=3, seed=LARGEST_SEED)
    parts = parts_of(request)
    assert [part.request.seed for part in parts] == [LARGEST_SEED, 0, 1]
    assert {part.request.number_of_outputs for part in parts} == {1}


def test_outputs_of_each_request_count_towards_the_batch() -> None:
    request = {"model": "m", "prompt": "a boat", "number_of_outputs": 10}
    batch = BatchRequest.model_validate({"requests": [request] * 10})
    assert [part.place for part in batch.parts()][9:11] == ["requests.0", "requests.1"]
    with pytest.raises(ValidationError, match="up to 100 generations, and this one has 110"):
        BatchRequest.model_validate({"requests": [request] * 11})


def test_same_batch_in_another_form_is_the_same_batch() -> None:
    one = BatchRequest.model_validate({"request": {"model": "m"}, "prompts": ["a boat", "a ship"]})
    two = BatchRequest.model_validate(
        {"requests": [{"model": "m", "prompt": "a boat"}, {"model": "m", "prompt": "a ship"}]}
    )
    texts = [[part.request.model_dump(exclude_defaults=True) for part in batch.parts()] for batch in (one, two)]
    assert texts[0] == texts[1]
