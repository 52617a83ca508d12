"""The names that other systems use for models: each is served, or answers with the model to order instead."""

from typing import Any

import pytest

from providers.catalogue import Catalogue, CatalogueFile
from providers.registry import adapter_names
from schemas.errors import InvalidRequest, ModelRetired
from schemas.names import ProviderName
from schemas.orders import GenerationRequest

FILE = CatalogueFile.shipped()
EVERY = adapter_names()
OPENAI, VERTEX, KIE, RUNWAY, GEMINI, FAL, LONGCAT = (
    frozenset({name}) for name in ("openai_videos", "vertex", "kie", "runway", "gemini", "fal", "longcat")
)


def ordered(accounts: frozenset[ProviderName], name: str, kind: str | None = "video", **fields: Any) -> str:
    """The model that serves an order with this name."""
    request = GenerationRequest.model_validate({"model": name, "kind": kind, "prompt": "a boat", **fields})
    return Catalogue(FILE, accounts).order(request).model


SERVED: list[tuple[str, frozenset[ProviderName], str]] = [
    # Google's Veo, by any account that serves Veo.
    ("veo-3.1-fast", EVERY, "veo-3.1-fast"),
    ("veo-3.1-fast", VERTEX, "veo-3.1-fast"),
    ("veo-3.1-fast", KIE, "veo-3-fast"),
    ("veo-3.1-fast", RUNWAY, "runway-veo-3.1-fast"),
    ("veo-3.1-fast-generate-preview", KIE, "veo-3-fast"),
    ("veo-3.1", VERTEX, "veo-3.1"),
    ("veo-3.1", KIE, "veo-3"),
    ("veo-3.1", RUNWAY, "runway-veo-3.1"),
    ("veo-3.1-lite", KIE, "veo-3-lite"),
    ("veo", VERTEX, "veo-3.1-fast"),
    ("veo", KIE, "veo-3-fast"),
    ("veo", RUNWAY, "runway-veo-3.1-fast"),
    ("google/veo-2", VERTEX, "veo-3.1-fast"),
    ("google/veo-2", KIE, "veo-3-fast"),
    ("google/veo-2", RUNWAY, "runway-veo-3.1-fast"),
    ("gemini-veo", KIE, "veo-3-fast"),
    ("gemini", GEMINI, "gemini-omni-1.2-flash"),
    ("gemini", VERTEX, "veo-3.1-fast"),
    ("gemini", KIE, "veo-3-fast"),
    ("gemini-2.5-flash", GEMINI, "gemini-omni-1.2-flash"),
    # OpenAI's Sora, by a gateway with OpenAI's wire.
    ("sora", OPENAI, "openai-compatible-video"),
    ("sora-1", OPENAI, "openai-compatible-video"),
    ("openai", OPENAI, "openai-compatible-video"),
    ("openai-sora", OPENAI, "openai-compatible-video"),
    # Kuaishou's Kling.
    ("kling", KIE, "kling-2.6-text-to-video"),
    ("kling", EVERY, "kling-3.0-text-to-video"),
    ("kling-v1", KIE, "kling-2.6-text-to-video"),
    ("klingai", KIE, "kling-2.6-text-to-video"),
    ("kling/v1.5-pro", KIE, "kling-2.6-text-to-video"),
    # Runway's Gen-3, and Runway's newest model where a name has no version.
    ("runwayml/gen-3-alpha-turbo", KIE, "runway-gen-3"),
    ("runwayml/gen-3-alpha-turbo", EVERY, "runway-gen-3"),
    ("gen-3", KIE, "runway-gen-3"),
    ("gen-3-alpha", KIE, "runway-gen-3"),
    ("gen3a_turbo", KIE, "runway-gen-3"),
    ("runway-gen-3", KIE, "runway-gen-3"),
    ("runway", KIE, "runway-gen-3"),
    ("runway", RUNWAY, "gen-4.5-text-to-video"),
    ("runwayml", RUNWAY, "gen-4.5-text-to-video"),
    # Others.
    ("pika", FAL, "pika-2.2-text-to-video"),
    ("pika-labs", FAL, "pika-2.2-text-to-video"),
    ("longcat", LONGCAT, "longcat-video-text-to-video"),
    ("longcat", FAL, "longcat-video-text-to-video"),
]


@pytest.mark.parametrize(("name", "accounts", "model"), SERVED)
def test_a_name_for_a_video_is_served_by_a_configured_account(
    name: str, accounts: frozenset[ProviderName], model: str
) -> None:
    assert ordered(accounts, name) == model


@pytest.mark.parametrize("name", ["stable-video-diffusion", "stable-video"])
def test_stable_video_diffusion_moves_a_picture(name: str) -> None:
    assert ordered(FAL, name, image_urls=["https://media.example/1.png"]) == "stable-video"


@pytest.mark.parametrize("name", ["google/nano-banana", "nano-banana"])
def test_nano_banana_is_a_model_of_pictures(name: str) -> None:
    assert ordered(KIE, name, None, output_format="png", image_size="1:1") == "nano-banana"


@pytest.mark.parametrize(
    ("name", "accounts", "successor"),
    [
        *(
            (name, KIE, "kling-2.6-text-to-video")
            for name in (
                "sora-2-text-to-video",
                "sora-2-image-to-video",
                "sora-2",
                "sora",
                "sora-1",
                "openai",
                "openai-sora",
            )
        ),
        *(
            (name, RUNWAY, "gen-4.5-text-to-video")
            for name in ("runwayml/gen-3-alpha-turbo", "gen-3", "gen3a_turbo", "runway-gen-3")
        ),
    ],
)
def test_a_name_that_no_account_serves_any_more_names_its_successor(
    name: str, accounts: frozenset[ProviderName], successor: str
) -> None:
    with pytest.raises(ModelRetired) as caught:
        ordered(accounts, name)
    assert caught.value.http_status == 410
    assert caught.value.extra["successor"] == successor
    assert successor in caught.value.detail
    assert ordered(accounts, name, allow_substitution=True) == successor


@pytest.mark.parametrize("accounts", [KIE, KIE | RUNWAY, EVERY])
def test_gen_3_never_costs_what_gen_4_5_costs(accounts: frozenset[ProviderName]) -> None:
    catalogue = Catalogue(FILE, accounts)
    request = GenerationRequest(model="runwayml/gen-3-alpha-turbo", prompt="a boat", duration_seconds=5)
    assert catalogue.order(request).credits == 12


@pytest.mark.parametrize("name", ["gemini-2.5-flash", "gemini-2.5-pro"])
def test_a_version_of_gemini_is_a_model_of_text_unless_the_request_is_for_a_video(name: str) -> None:
    with pytest.raises(InvalidRequest, match="there is no model"):
        ordered(EVERY, name, None)
    with pytest.raises(InvalidRequest, match="there is no model"):
        ordered(EVERY, name, "image")


def test_a_model_of_one_account_alone_has_no_stand_in() -> None:
    with pytest.raises(InvalidRequest, match="no provider that is configured here serves the model 'nano-banana'"):
        ordered(GEMINI, "nano-banana", None)


@pytest.mark.parametrize("model", ["veo-3.1-fast", "veo-3-fast", "runway-veo-3.1-fast"])
def test_veo_always_rewrites_the_prompt_and_makes_24_frames_a_second(model: str) -> None:
    request = GenerationRequest(model=model, prompt="a boat", enhance_prompt=True, fps=24)
    assert Catalogue(FILE, EVERY).order(request).inputs.enhance_prompt is True
    with pytest.raises(InvalidRequest, match="enhance_prompt must be true, not false"):
        Catalogue(FILE, EVERY).order(request.model_copy(update={"enhance_prompt": False}))
