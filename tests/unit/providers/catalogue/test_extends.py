"""Models that extend videos of the same account."""

from importlib.resources import files
from uuid import UUID

import pytest

from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.reading import read_folder
from providers.registry import adapter_names
from schemas.errors import InvalidRequest
from schemas.inputs import Facts, InputFacts, Origin, generation_url
from schemas.orders import GenerationRequest, Route

MINE = generation_url(UUID(int=1))
VIDEO_URL = "https://media.example/1.mp4"
VEO = ["veo-3", "veo-3-fast", "veo-3-fast-reference-to-video", "veo-3-lite", "veo-3-lite-reference-to-video"]
EXTENSIONS = ["veo-3-extend", "veo-3-fast-extend", "veo-3-lite-extend"]


def catalogue(*accounts: str) -> Catalogue:
    """The shipped catalogue, with these accounts as the routes of the first extension model."""
    data = read_folder(files("providers.catalogue"))
    model = next(model for model in data["models"] if model["name"] == "veo-3-extend")
    model["costs"] |= dict.fromkeys(accounts, model["costs"]["kie"])
    model["routes"] = [{"provider": account, "model": "veo-extend/veo3"} for account in ("kie", *accounts)]
    return Catalogue(CatalogueFile.model_validate(data), adapter_names() | set(accounts))


def made_by(model: str = "veo-3", provider: str = "kie", resolution: str | None = "720p") -> Facts:
    return {MINE: InputFacts("video/mp4", 1000, origin=Origin(model, provider, resolution))}


def request(model: str = "veo-3-extend", url: str = MINE) -> GenerationRequest:
    return GenerationRequest(model=model, prompt="on and on", video_urls=[url])


@pytest.mark.parametrize("model", EXTENSIONS)
@pytest.mark.parametrize("source", VEO)
def test_every_extension_model_extends_every_veo_model(model: str, source: str) -> None:
    order = catalogue().order(request(model), made_by(source))
    assert (order.model, order.inputs.video_urls) == (model, [MINE])


@pytest.mark.parametrize(
    ("url", "facts", "message"),
    [
        (VIDEO_URL, {}, f"must be generation:ID of a video of {' or '.join(VEO)}"),
        (
            "upload:1",
            {"upload:1": InputFacts("video/mp4", 1)},
            f"must be generation:ID of a video of {' or '.join(VEO)}",
        ),
        (MINE, made_by("kling-2.6-text-to-video"), "is a video of kling-2.6-text-to-video; must be one of "),
        (MINE, made_by("veo-3-extend"), "is a video of veo-3-extend; must be one of "),
        (MINE, made_by(resolution="1080p"), "has the resolution 1080p; must have 720p"),
    ],
)
def test_other_videos_cannot_be_extended(url: str, facts: Facts, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        catalogue().order(request().model_copy(update={"video_urls": [url]}), facts)
    errors = caught.value.problem()["errors"]
    assert isinstance(errors, list)
    (problem,) = errors
    assert problem["field"] == "video_urls.0"
    assert problem["message"].startswith(message)


def test_only_the_account_that_made_a_video_extends_it() -> None:
    order = catalogue("another").order(request(), made_by(provider="another"))
    assert order.routes == [Route(provider="another", model="veo-extend/veo3")]


def test_a_video_of_an_account_that_does_not_serve_the_model_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"video_urls names a video of another account than those that serve"):
        catalogue().order(request(), made_by(provider="gone"))


def test_a_family_selects_the_extension_if_the_video_allows_it() -> None:
    assert catalogue().order(request("veo-9"), made_by()).model == "veo-3-fast-extend"
    assert catalogue().order(request("veo-9"), made_by(provider="gone")).model == "veo-3.1-fast-extend"
    assert catalogue().order(request("veo-9", VIDEO_URL)).model == "veo-3.1-fast-extend"


def test_the_catalogue_names_the_models_that_extend_others() -> None:
    assert catalogue().extends("veo-3-extend")
    assert not catalogue().extends("veo-3.1-extend")
    assert not catalogue().extends("gone")


def test_the_catalogue_names_the_models_that_extend_a_video() -> None:
    every = Catalogue(CatalogueFile.shipped(), adapter_names())
    google = ["veo-3.1-extend", "veo-3.1-fast-extend", "veo-3.1-lite-extend"]
    assert every.extenders() == [*EXTENSIONS, "longcat-video-continuation", *google]
    assert Catalogue(CatalogueFile.shipped(), frozenset({"kling", "kling_legacy"})).extenders() == []
    asked = GenerationRequest(prompt="on and on", video_urls=[MINE], duration_seconds=5, aspect_ratio="1:1")
    assert every.extending(asked, made_by()) == every.extenders()
    assert every.extending(asked, made_by("kling-2.6-text-to-video", "kling")) == every.extenders()[3:]
    assert Catalogue(CatalogueFile.shipped(), frozenset({"kie"})).extending(asked, made_by("veo-3", "other")) == []
    assert every.extending(asked.model_copy(update={"video_urls": []})) == []
