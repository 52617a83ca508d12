"""Each setting that a model cannot do takes the nearest value, and every change is told."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.catalogue import Catalogue, CatalogueFile, Change, Fitted
from providers.catalogue.fitting import NO_DEFAULTS, FitMode
from providers.catalogue.models import Model
from providers.registry import adapter_names
from schemas.enums import Kind
from schemas.errors import InvalidRequest, ModelRetired, NoSandbox
from schemas.inputs import InputFacts, Origin
from schemas.orders import LARGEST_SEED, GenerationRequest

FILE = CatalogueFile.shipped()
CATALOGUE = Catalogue(FILE, adapter_names())
IMAGE_URL, UPLOAD, MINE = "https://media.example/1.png", "upload:1", "generation:1"
FACTS = {
    MINE: InputFacts("video/mp4", 1000, Origin("veo-3", "kie", "720p")),
    UPLOAD: InputFacts("video/mp4", 1000, duration_seconds=3),
}


def fitted(
    model: str, mode: FitMode = "nearest", defaults: Mapping[str, object] = NO_DEFAULTS, **fields: Any
) -> Fitted:
    request = GenerationRequest.model_validate({"model": model, "prompt": "a boat", **fields})
    return CATALOGUE.fitted(request, mode=mode, defaults=defaults)


NAMES = st.one_of(
    st.sampled_from(["16:9", "auto", "0:0", "1:0", "3", "720P", "4K", "1920x1080", "0p", "none", "jpg", ""]),
    st.text(alphabet=st.characters(categories=["L", "N", "P"]), max_size=20),
    st.from_regex(r"[0-9]{1,9}[:x][0-9]{1,9}", fullmatch=True),
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "aspect_ratio": NAMES,
        "resolution": NAMES,
        "output_format": NAMES,
        "duration_seconds": st.integers(1, 600),
        "fps": st.integers(1, 240),
        "motion": st.floats(0, 1),
        "seed": st.integers(0, LARGEST_SEED),
        "generate_audio": st.booleans(),
        "enhance_prompt": st.booleans(),
        "style": st.sampled_from([style.name for style in FILE.styles]),
        "negative_prompt": st.just("blur"),
        "number_of_outputs": st.integers(1, 10),
    },
)


def with_its_files(model: Model, fields: dict[str, Any]) -> GenerationRequest:
    can = model.capabilities
    video = MINE if can.extends else UPLOAD
    # A video whose length is the price needs a length that covers it.
    length = {"duration_seconds": max(3, fields.get("duration_seconds", 5))} if can.keeps_video_length else {}
    files: dict[str, Any] = {"image_urls": [IMAGE_URL] * can.min_images, "video_urls": [video] * can.min_videos}
    return GenerationRequest(model=model.name, prompt="a boat").model_copy(update={**fields, **length, **files})


@settings(max_examples=15)
@given(SETTINGS)
def test_every_model_serves_any_request_that_is_fitted_to_it(fields: dict[str, Any]) -> None:
    for model in FILE.models:
        # A model that always enhances refuses `false`.
        kept = {} if model.capabilities.keeps_prompt else {"enhance_prompt": True}
        request = with_its_files(model, {**fields, **kept})
        found = CATALOGUE.fitted(request, FACTS)
        count = request.number_of_outputs
        last = {"number_of_outputs": 1}
        if found.request.seed is not None:
            last["seed"] = found.request.seed + count - 1
        assert CATALOGUE.order(found.request.model_copy(update=last), FACTS).model == model.name
        assert CATALOGUE.fitted(found.request, FACTS) == Fitted(found.request, ())
        told = {change.field for change in found.changes}
        for field in type(request).model_fields:
            asked, taken = getattr(request, field), getattr(found.request, field)
            means_it = asked in ("auto", taken) or (isinstance(taken, str) and asked.casefold() == taken.casefold())
            assert means_it is (field not in told)


@settings(max_examples=15)
@given(SETTINGS)
def test_the_other_mode_changes_no_value_to_another(fields: dict[str, Any]) -> None:
    for model in FILE.models:
        changes = CATALOGUE.fitted(with_its_files(model, fields), FACTS, mode="drop").changes
        assert [change for change in changes if change.taken is not None] == []


@pytest.mark.parametrize("model", FILE.models, ids=lambda model: model.name)
def test_a_request_that_a_model_can_serve_stays_as_it_is(model: Model) -> None:
    can = model.capabilities
    fields: dict[str, Any] = {"fps": can.fps_choices[-1]} if can.fps_choices else {}
    fields |= {"resolution": can.resolutions[-1]} if can.resolutions else {}
    request = with_its_files(model, fields)
    assert CATALOGUE.fitted(request, FACTS) == Fitted(request, ())


NEAREST: list[tuple[str, dict[str, Any], str, object]] = [
    ("veo-3.1-fast-generate-001", {"duration_seconds": 5}, "duration_seconds", 4),
    ("veo-3.1", {"duration_seconds": 7}, "duration_seconds", 6),
    ("veo-3.1", {"duration_seconds": 60}, "duration_seconds", 8),
    ("veo-3.1", {"aspect_ratio": "1:1"}, "aspect_ratio", "16:9"),
    ("veo-3.1", {"aspect_ratio": "4:5"}, "aspect_ratio", "9:16"),
    ("veo-3.1", {"aspect_ratio": "1920x1080.0"}, "aspect_ratio", "16:9"),
    ("veo-3.1", {"aspect_ratio": "wide"}, "aspect_ratio", "16:9"),
    ("nano-banana", {"aspect_ratio": "1.85:1"}, "aspect_ratio", "16:9"),
    ("veo-3.1", {"resolution": "4k"}, "resolution", "1080p"),
    ("veo-3.1", {"resolution": "480p"}, "resolution", "720p"),
    ("veo-3.1", {"resolution": "1280x720"}, "resolution", "720p"),
    ("nano-banana-pro", {"resolution": "1080p"}, "resolution", "1K"),
    ("nano-banana-pro", {"resolution": "huge"}, "resolution", "1K"),
    ("veo-3.1", {"fps": 30}, "fps", 24),
    ("longcat-video-text-to-video", {"fps": 24}, "fps", 30),
    ("nano-banana", {"output_format": "webp"}, "output_format", "png"),
    ("flux-schnell", {"seed": 2**40}, "seed", 2**31 - 1),
    ("flux-schnell", {"seed": 2**40, "number_of_outputs": 3}, "seed", 2**31 - 3),
    ("veo-3-fast", {"generate_audio": False}, "generate_audio", True),
]


@pytest.mark.parametrize(("model", "fields", "field", "taken"), NEAREST)
def test_a_wrong_value_becomes_the_nearest(model: str, fields: dict[str, Any], field: str, taken: object) -> None:
    found = fitted(model, **fields)
    assert getattr(found.request, field) == taken
    words = [str(value).lower() if isinstance(value, bool) else str(value) for value in (fields[field], taken)]
    assert found.changes == (Change(field, words[0], words[1]),)
    assert getattr(fitted(model, "drop", **fields).request, field) == fields[field]


LEFT_OUT: list[tuple[str, dict[str, Any]]] = [
    ("nano-banana", {"seed": 1}),
    ("nano-banana", {"duration_seconds": 5}),
    ("nano-banana", {"resolution": "2K"}),
    ("nano-banana", {"generate_audio": True}),
    ("kling-2.6-text-to-video", {"motion": 0.5}),
    ("kling-2.6-text-to-video", {"negative_prompt": "blur"}),
    ("kling-3.0-text-to-video", {"fps": 24}),
    ("kling-3.0-video", {"image_urls": [IMAGE_URL], "aspect_ratio": "16:9"}),
    ("nano-banana", {"enhance_prompt": True}),
]


@pytest.mark.parametrize(("model", "fields"), LEFT_OUT)
@pytest.mark.parametrize("mode", ["nearest", "drop"])
def test_a_setting_that_the_model_does_not_take_is_left_out(model: str, fields: dict[str, Any], mode: FitMode) -> None:
    field = list(fields)[-1]
    found = fitted(model, mode, **fields)
    assert getattr(found.request, field) is None
    assert [(change.field, change.taken) for change in found.changes] == [(field, None)]


@pytest.mark.parametrize("mode", ["nearest", "drop"])
@pytest.mark.parametrize(
    ("model", "fields", "taken"),
    [
        ("veo-3.1", {"aspect_ratio": "auto"}, None),
        ("nano-banana", {"aspect_ratio": "auto"}, "auto"),
        ("veo-3", {"resolution": "4K"}, "4k"),
        ("nano-banana", {"generate_audio": False}, False),
        ("kling-2.6-text-to-video", {"enhance_prompt": False}, False),
    ],
)
def test_a_setting_that_a_customer_gets_is_no_change(
    model: str, fields: dict[str, Any], taken: object, mode: FitMode
) -> None:
    found = fitted(model, mode, **fields)
    assert (getattr(found.request, *fields), found.changes) == (taken, ())


def test_the_texts_and_an_unknown_style_stay_and_are_refused() -> None:
    long = "x" * 3000
    for found in (
        fitted("veo-3.1", prompt=long),
        fitted("veo-3.1", negative_prompt=long),
        fitted("veo-3.1", style="baroque"),
    ):
        assert found.changes == ()
        with pytest.raises(InvalidRequest):
            CATALOGUE.order(found.request)


@pytest.mark.parametrize("mode", ["nearest", "drop"])
@pytest.mark.parametrize("model", [model for model in FILE.models if not model.capabilities.keeps_prompt])
def test_a_prompt_that_must_stay_is_refused_by_a_model_that_always_enhances(model: Model, mode: FitMode) -> None:
    request = with_its_files(model, {"enhance_prompt": False})
    found = CATALOGUE.fitted(request, FACTS, mode=mode)
    assert found == Fitted(request, ())
    with pytest.raises(InvalidRequest, match="enhance_prompt must be true, not false"):
        CATALOGUE.order(found.request, FACTS)


def test_of_a_family_the_first_model_that_needs_no_change_serves() -> None:
    found = fitted("veo-3.1", duration_seconds=8, seed=1)
    assert found.changes == ()


def test_of_a_family_the_first_model_that_can_serve_the_files_is_fitted() -> None:
    found = fitted("kling", duration_seconds=60, image_urls=[IMAGE_URL])
    order = CATALOGUE.order(found.request)
    assert (order.model, order.requested_model) == ("kling-3.0-image-to-video", "kling")
    assert found.changes == (Change("duration_seconds", "60", "15"),)


def test_files_that_no_model_of_a_family_takes_are_still_refused() -> None:
    found = fitted("kling", image_urls=[IMAGE_URL] * 14)
    with pytest.raises(InvalidRequest, match="image_urls"):
        CATALOGUE.order(found.request)


def test_a_name_that_no_model_has_is_refused_as_in_an_order() -> None:
    with pytest.raises(InvalidRequest, match="there is no model 'nano-bananas'; did you mean nano-banana"):
        fitted("nano-bananas")
    with pytest.raises(ModelRetired):
        fitted("sora-2")


def test_a_test_customer_without_a_sandbox_learns_so() -> None:
    catalogue = Catalogue(FILE, frozenset({"kie"})).for_test_customers
    request = GenerationRequest(model="nano-banana", prompt="a boat")
    for use in (catalogue.fitted, catalogue.least_price, catalogue.order):
        with pytest.raises(NoSandbox):
            use(request)


@pytest.mark.parametrize(
    ("wanted", "defaults", "model"),
    [
        ({}, {"resolution": "1080p"}, "kling-2.6-text-to-video"),
        ({"duration_seconds": 5}, {"aspect_ratio": "4:5", "seed": 1}, "kling-2.6-text-to-video"),
        ({"model": "kling"}, {"enhance_prompt": True, "resolution": "1080p"}, "kling-3.0-text-to-video"),
        ({"resolution": "1080p"}, {"duration_seconds": 5}, "kling-3.0-video"),
    ],
)
def test_the_defaults_of_a_form_choose_no_model(wanted: dict[str, Any], defaults: dict[str, Any], model: str) -> None:
    request = GenerationRequest.model_validate({"kind": Kind.VIDEO, "prompt": "a boat", **wanted})
    plain = CATALOGUE.fitted(request).request
    found = CATALOGUE.fitted(request, defaults=defaults).request
    assert CATALOGUE.order(found).model == CATALOGUE.order(plain).model == model


def test_a_default_of_a_form_is_fitted_to_the_model_and_yields_to_the_request() -> None:
    defaults = {"resolution": "1080p", "duration_seconds": 5}
    assert fitted("veo-3.1", defaults=defaults).request.resolution == "1080p"
    assert fitted("veo-3.1", defaults=defaults).request.duration_seconds == 4
    assert fitted("veo-3.1", defaults=defaults, resolution="720p", duration_seconds=8).changes == ()
