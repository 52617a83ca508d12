"""The choice of the model that extends a video. The settings of the request do not choose."""

from typing import Any

import pytest

from gateway.seeds.errors import NotImplementedHere
from gateway.seeds.extending import extender
from providers.catalogue import Catalogue, CatalogueFile
from providers.registry import adapter_names
from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.inputs import InputFacts, Origin
from schemas.orders import GenerationRequest

CATALOGUE = Catalogue(CatalogueFile.shipped(), adapter_names())
ID = "3e41a28d-5bf9-40ce-a038-dc975dda27ad"
MINE, UPLOAD = f"generation:{ID}", f"upload:{ID}"
FACTS = {
    MINE: InputFacts("video/mp4", 1000, Origin("veo-3-fast", "kie", "720p")),
    UPLOAD: InputFacts("video/mp4", 1000, duration_seconds=5),
}


def a_request(url: str = MINE, **fields: Any) -> GenerationRequest:
    return GenerationRequest(kind=Kind.VIDEO, prompt="on").model_copy(update={"video_urls": [url], **fields})


@pytest.mark.parametrize("url", [MINE, UPLOAD])
@pytest.mark.parametrize("model", [None, "longcat-video-continuation"])
@pytest.mark.parametrize(
    "more",
    [
        {"number_of_outputs": 2},
        {"number_of_outputs": 2, "seed": 7},
        {"enhance_prompt": False},
        {"style": "baroque"},
        {"prompt": "x" * 20_000},
    ],
    ids=["several", "several with a seed", "no enhancement", "an unknown style", "a long prompt"],
)
def test_the_settings_do_not_change_the_model(url: str, model: str | None, more: dict[str, Any]) -> None:
    plain = extender(CATALOGUE, a_request(url, model=model), FACTS)

    assert extender(CATALOGUE, a_request(url, model=model, **more), FACTS) == plain


@pytest.mark.parametrize("name", ["veo-3.1-fast", "veo-3-fast-extend"])
def test_several_videos_are_extended_by_the_named_model(name: str) -> None:
    assert extender(CATALOGUE, a_request(model=name, number_of_outputs=3), FACTS) == "veo-3-fast-extend"


def test_a_prompt_that_cannot_stay_as_it_is_is_refused_by_the_order() -> None:
    request = a_request(enhance_prompt=False)
    chosen = request.model_copy(update={"model": extender(CATALOGUE, request, FACTS)})

    with pytest.raises(InvalidRequest, match="enhance_prompt must be true, not false"):
        CATALOGUE.order(CATALOGUE.fitted(chosen, FACTS).request, FACTS)


def test_a_model_that_extends_no_video_is_refused() -> None:
    with pytest.raises(NotImplementedHere, match="kling extends no such video; these models extend this one: veo-3"):
        extender(CATALOGUE, a_request(model="kling", number_of_outputs=2), FACTS)
