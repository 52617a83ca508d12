"""The names that orders use: a name stands for a model, an alias or a family, and a wrong name for nothing."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.names import fits, misspells, parts
from providers.registry import adapter_names
from schemas.errors import InvalidRequest, ModelRetired
from schemas.orders import GenerationRequest

FILE = CatalogueFile.shipped()
CATALOGUE = Catalogue(FILE, adapter_names())
KNOWN = {name: model.name for model in FILE.models for name in (model.name, *model.aliases)}


def ordered(name: str, **fields: Any) -> str:
    """The model that takes an order of this name."""
    return CATALOGUE.order(GenerationRequest.model_validate({"model": name, "prompt": "a boat", **fields})).model


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("openai-compatible-image ", "openai-compatible-image"),
        ("openai-compatible-imgae", "openai-compatible-image"),
        ("kling-2.6-text-to-vidoe", "kling-2.6-text-to-video"),
        ("Nano-Banana", "nano-banana"),
        ("gemini-omni-1.1-fast", "gemini-omni-1.1-flash"),
        ("veo-3.1-flite", "veo-3.1-lite"),
    ],
)
def test_a_misspelt_name_is_refused_and_the_nearest_name_comes_first(name: str, nearest: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ordered(name)
    assert caught.value.detail.startswith(f"there is no model {name!r}")
    assert f"did you mean {nearest}" in caught.value.detail
    errors = caught.value.extra["errors"]
    assert isinstance(errors, list)
    (problem,) = errors
    assert problem["allowed"][0] == nearest
    assert set(problem["allowed"]) >= {model.name for model in FILE.models}


@pytest.mark.parametrize("name", ["nano-banana\n", "\tnano-banana", "nano\u00a0banana", "nano-banana\x07"], ids=ascii)
def test_a_name_with_a_character_that_no_name_has_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="leave it out"):
        ordered(name)


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4o",
        "gemini-2.5-pro",
        "gemini-9",
        "klingon",
        "pikachu",
        "kling ",
        "kling-",
        "kling--1",
        "kling-1-",
        "kling-1x",
        "kling-text",
        "kling-video",
        "kling-v",
        "kling-٣",  # an Arabic 3
        "veo-3.12-nope",
        "omnibus",
        "sora-2-text-to-vidoe",
    ],
)
def test_a_name_that_only_begins_like_a_family_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"there is no model"):
        ordered(name)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("kling", "kling-3.0-text-to-video"),
        ("kling-v1", "kling-3.0-text-to-video"),
        ("kling/v1.5-pro", "kling-3.0-text-to-video"),
        ("kling2.6", "kling-3.0-text-to-video"),
        ("kling_v2_1_master", "kling-3.0-text-to-video"),
        ("veo", "veo-3-fast"),
        ("veo-2", "veo-3-fast"),
        ("veo3.1", "veo-3.1"),
        ("sora", "openai-compatible-video"),
        ("sora-1", "openai-compatible-video"),
        ("openai/sora-3-pro", "openai-compatible-video"),
        ("runway-gen3", "runway-gen-3"),
        ("gen3a_turbo", "runway-gen-3"),
        ("gemini", "nano-banana"),
    ],
)
def test_the_bare_name_of_a_family_and_the_name_with_versions_and_tiers_stand_for_the_family(
    name: str, model: str
) -> None:
    assert ordered(name) == model


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("kling_2.6_text_to_video", "kling-2.6-text-to-video"),
        ("veo-v3.1-lite", "veo-3.1-lite"),
        ("veo-3.1_lite", "veo-3.1-lite"),
        ("google/nano/banana", "nano-banana"),
    ],
)
def test_a_name_with_other_separators_is_the_same_name(name: str, model: str) -> None:
    assert ordered(name) == model


def test_a_retired_name_with_other_separators_is_retired_too() -> None:
    with pytest.raises(ModelRetired):
        ordered("sora_2")


@pytest.mark.parametrize(
    ("name", "kind", "model"),
    [
        ("runway", "image", "gen-4-image"),
        ("runway", "video", "gen-4.5-text-to-video"),
        ("openai", "image", "gpt-image-2.5"),
        ("openai", None, "openai-compatible-video"),
    ],
)
def test_the_kind_selects_among_families_of_one_name(name: str, kind: str | None, model: str) -> None:
    assert ordered(name, kind=kind) == model


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("kling", {"kind": "image"}, "kling-3.0-text-to-video cannot do that: kind must be video, not image"),
        ("dall-e-3", {"kind": "video"}, "gpt-image-2.5 cannot do that: kind must be image, not video"),
        # Only Runway's pictures have 1080p and a file format.
        ("runway", {"resolution": "1080p", "output_format": "png"}, "gen-4.5-text-to-video cannot do that"),
    ],
)
def test_a_family_never_becomes_a_product_of_another_kind(name: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(message)):
        ordered(name, **fields)


LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789-./_ ")


@st.composite
def misspelt(draw: st.DrawFn) -> tuple[str, str]:
    """A known name and the same name with one or two edits."""
    known = draw(st.sampled_from(sorted(KNOWN)))
    name = known
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(name) - 1))
        letter = draw(LETTERS)
        name = draw(st.sampled_from([
            name[:place] + letter + name[place:],
            name[:place] + letter + name[place + 1 :],
            name[:place] + name[place + 1 :] or letter,
            name[:place] + name[place + 1 : place + 2] + name[place] + name[place + 2 :],
        ]))  # fmt: skip
    return known, name


@given(misspelt())
def test_a_name_near_to_a_models_name_never_becomes_another_product(pair: tuple[str, str]) -> None:
    known, name = pair
    if any(parts(name) == parts(right) for right in KNOWN):
        return
    try:
        taken = ordered(name)
    except (InvalidRequest, ModelRetired):
        return
    # Only the version may differ: families take every version, and no version at all.
    assert taken == KNOWN[known] or re.findall(r"[0-9]+", name) != re.findall(r"[0-9]+", known)


def test_a_star_takes_versions_and_tiers_and_nothing_else() -> None:
    assert fits("veo-3.1-lite", "veo*", {"lite"})
    assert not fits("veo-3.1-lite", "veo*", {"fast"})
    assert not fits("veo-3", "veo", {"fast"})
    assert not fits("veo-3.12", "veo-3.1*", {"fast"})
    assert not fits("my-veo", "veo*", {"fast"})


def test_a_misspelt_name_has_the_versions_of_the_known_name() -> None:
    assert misspells("gemini-omni-1.1-fast", "gemini-omni-1.1-flash")
    assert not misspells("gemini-omni-1.2-fast", "gemini-omni-1.1-flash")
    assert not misspells("kling-3.0-pro", "kling-3.0-omni")
    assert not misspells("veo-3-pro", "veo-3")
