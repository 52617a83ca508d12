"""Other makers' models at Runway in the sandbox: what they refuse, make and charge, as Runway's client says."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from sandbox.media_store import SourceImage
from sandbox.task import JsonObject
from sandbox.vendors.runway.errors import RunwayError
from sandbox.vendors.runway.models import read_create

LINK = "https://images.example/a.png"
FIRST: JsonValue = {"uri": LINK, "position": "first"}
LAST: JsonValue = {"uri": f"{LINK}?last", "position": "last"}
ONE: JsonValue = {"uri": LINK}
UPRIGHT = SourceImage(Path("source"), 300, 400)


def body(model: str, **fields: JsonValue) -> JsonObject:
    return {"model": model, "promptText": "a boat", **fields}


@pytest.mark.parametrize(
    ("model", "fields", "size", "charged"),
    [
        ("seedance2", {"ratio": "1280:720"}, (1280, 720), 180),
        ("seedance2", {"ratio": "3840:1646", "duration": 4}, (3840, 1646), 600),
        ("seedance2_5", {"ratio": "640:640", "duration": 4}, (640, 640), 80),
        ("wan3", {"ratio": "1648:1248"}, (1648, 1248), 100),
        ("wan3_prime", {"ratio": "auto_480p"}, (854, 480), 34),
        ("hailuo3", {"ratio": "9:16", "resolution": "2K"}, (1440, 2560), 75),
        ("grok_imagine_1_5", {"ratio": "3:2", "resolution": "480p"}, (720, 480), 50),
        ("kling_4", {"ratio": "2200:940"}, (2200, 940), 150),
    ],
)
def test_a_video_from_text_has_a_size_and_a_price_of_its_resolution(
    model: str, fields: JsonObject, size: tuple[int, int], charged: int
) -> None:
    create = read_create("text_to_video", body(model, **fields))
    spec = create.spec()
    assert ((spec.width, spec.height), create.credits) == (size, charged)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("wan3", {"ratio": "auto_720p"}),
        ("hailuo3", {"ratio": "adaptive"}),
        ("grok_imagine_1_5", {}),
        ("kling_4", {"ratio": "auto_1080p"}),
    ],
)
def test_a_video_takes_the_shape_of_its_picture(model: str, fields: JsonObject) -> None:
    create = read_create("image_to_video", body(model, promptImage=[FIRST], **fields))
    create.take_picture(UPRIGHT)
    spec = create.spec()
    assert spec.width / spec.height == pytest.approx(3 / 4, rel=0.01)


@pytest.mark.parametrize("model", ["seedance2", "seedance2_5", "wan3", "hailuo3", "kling_4"])
def test_a_video_can_have_a_last_frame(model: str) -> None:
    create = read_create("image_to_video", body(model, promptImage=[FIRST, LAST]))
    assert create.image_sources() == (LINK, f"{LINK}?last")


@pytest.mark.parametrize(
    ("endpoint", "fields", "field"),
    [
        ("text_to_video", body("seedance2", resolution="720p"), "resolution"),
        ("text_to_video", body("seedance2", ratio="854:480"), "ratio"),
        ("text_to_video", body("wan3", seed=7), "seed"),
        ("image_to_video", body("wan3", promptImage=[FIRST], ratio="1280:720"), "ratio"),
        ("text_to_video", body("hailuo3", audio=False), "audio"),
        ("text_to_video", body("hailuo3", duration=4), "duration"),
        ("image_to_video", body("grok_imagine_1_5", promptImage=[FIRST], ratio="16:9"), "ratio"),
        ("image_to_video", body("grok_imagine_1_5", promptImage=[FIRST, LAST]), "promptImage"),
        ("text_to_video", body("kling_4", audio=True), "audio"),
        ("text_to_image", body("seedream5_pro", ratio="3072:3072"), "ratio"),
        ("text_to_image", body("muse_image", ratio="1600:1600", seed=7), "seed"),
        ("text_to_image", body("ideogram_4_0", referenceImages=[ONE, ONE]), "referenceImages"),
        ("text_to_image", body("recraft_v4_1_flash", ratio="1024:1024", referenceImages=[ONE]), "referenceImages"),
        (
            "text_to_image",
            body("seedream5_lite", ratio="2048:2048", referenceImages=[{"uri": LINK, "tag": "ab"}]),
            "tag",
        ),
    ],
)
def test_a_field_or_value_that_the_model_does_not_have_is_refused(
    endpoint: str, fields: JsonObject, field: str
) -> None:
    with pytest.raises(RunwayError, match=field):
        read_create(endpoint, fields)


@pytest.mark.parametrize(
    ("fields", "charged"),
    [
        (body("seedream5_pro", ratio="1376:768"), 5),
        (body("seedream5_pro", ratio="2720:1530", outputFormat="jpeg"), 9),
        (body("seedream5_lite", ratio="4704:2016"), 4),
        (body("muse_image", ratio="2352:1008", referenceImages=[ONE]), 1),
        (body("grok_imagine_image_2", ratio="1280:720", quality="low"), 4),
        (body("grok_imagine_image_2", ratio="2048:2048", referenceImages=[ONE, ONE]), 10),
        (body("ideogram_4_0", quality="high"), 11),
        (body("ideogram_4_5", ratio="2880:1440", quality="very_low"), 1),
    ],
)
def test_the_price_of_a_picture(fields: JsonObject, charged: int) -> None:
    assert read_create("text_to_image", fields).credits == charged
