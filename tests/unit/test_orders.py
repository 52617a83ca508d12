import pytest
from pydantic import ValidationError

from schemas.orders import GenerationRequest


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": "   "},
        {"prompt": "a\x00b"},
        {"prompt": "\ud800"},
        {"metadata": {"x": "\ud800"}},
        {"metadata": {"\ud800": "x"}},
        {"metadata": {"x": "a\x00b"}},
        {"metadata": {"k" * 65: "x"}},
        {"metadata": {"x": "v" * 513}},
        {"metadata": {str(number): "" for number in range(17)}},
        {"image_urls": ["ftp://example.com/a.png"]},
        {"reference": ""},
        {"reference": "k" * 201},
        {"reference": "node 1"},
        {"reference": "n\u00f8de"},
        {"deadline_seconds": 9},
        {"frames": 24},
        {"fps": 0},
        {"motion": 1.1},
        {"seed": -1},
        {"negative_prompt": " "},
        {"number_of_outputs": 0},
        {"kind": "sound"},
        {"video_urls": ["ftp://example.com/a.mp4"]},
        {"video_urls": ["generation:the-first-one"]},
    ],
)
def test_what_cannot_be_stored_or_served_is_refused_without_repeating_it(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        GenerationRequest.model_validate({"model": "m", "prompt": "a boat", **wrong})
    assert "input_value" not in str(refused.value)


def test_text_of_every_script_is_welcome() -> None:
    request = GenerationRequest(model="m", prompt="灯台 🗼 маяк", metadata={"clé": "värde"})
    assert request.metadata == {"clé": "värde"}


@pytest.mark.parametrize("reference", ["k", "k" * 200, "j57fq9-_:/?&=%", None])
def test_reference_is_any_id_without_spaces(reference: str | None) -> None:
    assert GenerationRequest(model="m", prompt="a boat", reference=reference).reference == reference


@pytest.mark.parametrize("name", ["generate_audio", "audio"])
def test_sound_is_asked_for_by_either_name(name: str) -> None:
    assert GenerationRequest.model_validate({"model": "m", "prompt": "a boat", name: True}).generate_audio is True


def test_a_generation_is_named_in_one_spelling() -> None:
    name = "3e41a28d-5bf9-40ce-a038-dc975dda27ad"
    spellings = [f"generation:{name.upper()}", f"generation:{{{name}}}", f"generation:{name.replace('-', '')}"]
    request = GenerationRequest.model_validate({"prompt": "a boat", "video_urls": spellings})
    assert request.video_urls == [f"generation:{name}"] * 3
