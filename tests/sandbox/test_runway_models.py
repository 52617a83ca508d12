import pytest
from pydantic import JsonValue

from sandbox.media import MediaSpec
from sandbox.task import JsonObject
from sandbox.vendors.runway.errors import RunwayError
from sandbox.vendors.runway.models import read_create
from sandbox.videos import SourceVideo

LINK = "https://images.example/a.png"
WORDS: JsonObject = {"model": "gen4.5", "promptText": "a boat", "ratio": "720:1280", "duration": 7}
PICTURE: JsonObject = {"model": "gen4_image", "promptText": "a boat", "ratio": "1680:720"}
TURBO: JsonObject = {"model": "gen4_turbo", "promptImage": LINK, "ratio": "1584:672"}
FRAME: JsonValue = {"uri": LINK, "position": "first"}
LAST: JsonValue = {"uri": f"{LINK}?last", "position": "last"}
QUICK: JsonObject = {**PICTURE, "model": "gen4_image_turbo", "referenceImages": [{"uri": LINK}]}
VEO: JsonObject = {"model": "veo3.1", "promptText": "a boat", "ratio": "1920:1080"}
ALEPH: JsonObject = {"model": "aleph2", "videoUri": "https://videos.example/a.mp4", "promptText": "a ship"}
KEYFRAME: JsonValue = {"uri": LINK, "at": 0}
BARE: JsonValue = {"uri": LINK}
LATE: JsonValue = {"uri": LINK, "at": 1.1}
WITH_WINDOW: JsonValue = {"uri": LINK, "at": 1, "range": {"startSeconds": 0, "endSeconds": 2}}


def test_video_is_silent_and_priced_by_the_second() -> None:
    create = read_create("text_to_video", {**WORDS, "seed": 7})
    assert create.spec() == MediaSpec(format="mp4", width=720, height=1280, duration_seconds=7, frame_rate=24)
    assert (create.credits, create.image_sources()) == (84, ())


@pytest.mark.parametrize("image", [LINK, [FRAME]])
def test_video_from_a_picture(image: JsonValue) -> None:
    create = read_create("image_to_video", {**WORDS, "ratio": "960:960", "promptImage": image})
    assert (create.size, create.credits, create.image_sources()) == ((960, 960), 84, (LINK,))


def test_turbo_needs_no_prompt() -> None:
    create = read_create("image_to_video", TURBO)
    assert (create.size, create.credits) == ((1584, 672), 50)


@pytest.mark.parametrize(("ratio", "credits_"), [("1680:720", 5), ("720:960", 5), ("1920:1080", 8), ("1080:1080", 8)])
def test_picture_has_two_prices(ratio: str, credits_: int) -> None:
    create = read_create("text_to_image", {**PICTURE, "ratio": ratio})
    width, height = map(int, ratio.split(":"))
    assert create.spec() == MediaSpec(format="png", width=width, height=height)
    assert create.credits == credits_


def test_picture_takes_up_to_three_references() -> None:
    references: list[JsonValue] = [{"uri": f"{LINK}?{number}", "tag": f"image{number}"} for number in range(3)]
    create = read_create("text_to_image", {**PICTURE, "referenceImages": references})
    assert create.image_sources() == (f"{LINK}?0", f"{LINK}?1", f"{LINK}?2")


@pytest.mark.parametrize("ratio", ["1280:720", "1080:1920"])
def test_turbo_pictures_have_one_price_and_require_a_reference(ratio: str) -> None:
    create = read_create("text_to_image", {**QUICK, "ratio": ratio})
    assert (create.credits, create.image_sources()) == (2, (LINK,))


@pytest.mark.parametrize(
    ("fields", "charged"),
    [
        ({}, 320),
        ({"audio": False}, 160),
        ({"model": "veo3.1_fast", "duration": 4}, 60),
        ({"model": "veo3.1_fast", "duration": 6, "audio": False, "negativePrompt": "haze", "seed": 0}, 60),
    ],
)
def test_veo_price_depends_on_model_length_and_sound(fields: JsonObject, charged: int) -> None:
    create = read_create("text_to_video", {**VEO, **fields})
    spec = create.spec()
    assert (spec.width, spec.height, spec.sound) == (1920, 1080, fields.get("audio", True))
    assert create.credits == charged


@pytest.mark.parametrize(
    ("image", "sources"),
    [(LINK, (LINK,)), ([FRAME], (LINK,)), ([LAST, FRAME], (LINK, f"{LINK}?last"))],
)
def test_veo_begins_with_a_frame_and_may_end_with_one(image: JsonValue, sources: tuple[str, ...]) -> None:
    create = read_create("image_to_video", {**VEO, "promptImage": image})
    assert create.image_sources() == sources


def test_aleph_keeps_the_size_and_length_of_its_video() -> None:
    keyframes: list[JsonValue] = [{"uri": LINK, "at": 0.5}, {"uri": f"{LINK}?2", "seconds": 2}]
    create = read_create("video_to_video", {**ALEPH, "keyframes": keyframes, "outputFormat": "mp4"})
    assert create.video_source == "https://videos.example/a.mp4"
    create.take(SourceVideo(640, 360, 4.2))
    assert create.spec() == MediaSpec(format="mp4", width=640, height=360, duration_seconds=4.2, frame_rate=24)
    assert (create.credits, create.image_sources()) == (140, (LINK, f"{LINK}?2"))


@pytest.mark.parametrize("seconds", [1.9, 30.1])
def test_aleph_requires_two_to_thirty_seconds(seconds: float) -> None:
    with pytest.raises(RunwayError, match="videoUri: should be 2 to 30 seconds long"):
        read_create("video_to_video", ALEPH).take(SourceVideo(640, 360, seconds))


@pytest.mark.parametrize("text", ["x" * 1000, "🚤" * 500])
def test_prompt_length_counts_utf_16_units(text: str) -> None:
    read_create("text_to_video", {**WORDS, "promptText": text})
    with pytest.raises(RunwayError, match=r"promptText: .* UTF-16 code units"):
        read_create("text_to_video", {**WORDS, "promptText": f"{text}x"})


@pytest.mark.parametrize(
    ("endpoint", "body", "code", "text"),
    [
        ("text_to_music", WORDS, 404, "There is no endpoint /v1/text_to_music"),
        ("text_to_video", {**WORDS, "model": "gen4_turbo"}, 400, "model: should be one of gen4.5"),
        ("text_to_video", {}, 400, "model: should be one of gen4.5"),
        ("text_to_video", {**WORDS, "ratio": "16:9"}, 400, "ratio: Input should be '1280:720' or '720:1280'"),
        ("text_to_video", {**WORDS, "ratio": "960:960"}, 400, "ratio: Input should be "),
        ("text_to_video", {**WORDS, "duration": 11}, 400, "duration: Input should be less than or equal to 10"),
        ("text_to_video", {**WORDS, "duration": "5"}, 400, "duration: Input should be a valid integer"),
        ("text_to_video", {**WORDS, "promptText": ""}, 400, "promptText: Value error, should have 1 to 1000"),
        ("text_to_video", {**WORDS, "prompt": "a boat"}, 400, "prompt: Extra inputs are not permitted"),
        ("text_to_video", {**WORDS, "promptImage": LINK}, 400, "promptImage: Extra inputs are not permitted"),
        ("text_to_video", {**WORDS, "seed": -1}, 400, "seed: Input should be greater than or equal to 0"),
        ("image_to_video", WORDS, 400, "promptImage: Field required"),
        ("image_to_video", {**WORDS, "promptImage": [FRAME, FRAME]}, 400, "promptImage"),
        ("image_to_video", {**WORDS, "promptImage": []}, 400, "promptImage"),
        ("image_to_video", {**TURBO, "promptImage": "a.png"}, 400, "promptImage"),
        ("text_to_image", {**PICTURE, "duration": 5}, 400, "duration: Extra inputs are not permitted"),
        ("text_to_image", {**PICTURE, "ratio": "1:1"}, 400, "ratio: Input should be "),
        ("text_to_image", {**PICTURE, "referenceImages": [{"uri": LINK}] * 4}, 400, "referenceImages: List should"),
        (
            "text_to_image",
            {**PICTURE, "referenceImages": [{"uri": LINK, "tag": "1"}]},
            400,
            "referenceImages.0.tag: String should match pattern",
        ),
        ("text_to_image", {**PICTURE, "model": "gen4_image_turbo"}, 400, "referenceImages: Field required"),
        ("text_to_image", {**QUICK, "referenceImages": []}, 400, "referenceImages: List should have at least 1"),
        ("text_to_video", {**VEO, "duration": 5}, 400, "duration: Input should be 4, 6 or 8"),
        ("text_to_video", {**VEO, "ratio": "960:960"}, 400, "ratio: Input should be "),
        ("text_to_video", {**VEO, "promptImage": LINK}, 400, "promptImage: Extra inputs are not permitted"),
        ("text_to_video", {**VEO, "contentModeration": {}}, 400, "contentModeration: Extra inputs are not permitted"),
        ("text_to_video", {**WORDS, "audio": True}, 400, "audio: Extra inputs are not permitted"),
        ("image_to_video", VEO, 400, "promptImage: Field required"),
        ("image_to_video", {**VEO, "promptImage": [LAST]}, 400, ": Value error, promptImage should have a first"),
        ("image_to_video", {**VEO, "promptImage": [FRAME, FRAME]}, 400, ": Value error, promptImage should have a"),
        ("image_to_video", {**WORDS, "promptImage": [LAST]}, 400, "promptImage"),
        ("video_to_video", {**ALEPH, "videoUri": "a.mp4"}, 400, "videoUri: Value error, should be an http"),
        ("video_to_video", {**ALEPH, "duration": 5}, 400, "duration: Extra inputs are not permitted"),
        ("video_to_video", {**ALEPH, "ratio": "1280:720"}, 400, "ratio: Input should be None"),
        (
            "video_to_video",
            {**ALEPH, "keyframes": [BARE]},
            400,
            "keyframes.0: Value error, should have either",
        ),
        ("video_to_video", {**ALEPH, "keyframes": [LATE]}, 400, "keyframes.0.at: Input should be"),
        ("video_to_video", {**ALEPH, "keyframes": [KEYFRAME] * 6}, 400, "keyframes: List should have"),
        (
            "video_to_video",
            {**ALEPH, "keyframes": [KEYFRAME, WITH_WINDOW]},
            400,
            ": Value error, either all keyframes should have a range",
        ),
        ("video_to_video", {**ALEPH, "videoUri": f"{LINK}?{'x' * 2048}"}, 400, "videoUri: Value error, should have at"),
        ("video_to_video", {**ALEPH, "videoUri": "data:;base64,AAAA"}, 400, "videoUri: Value error, should be a data"),
        (
            "video_to_video",
            {**ALEPH, "videoUri": f"data:video/mp4;base64,{'A' * (5 * 1024**2 - 22)}"},
            400,
            "videoUri: Value error, a data URI should be shorter than 5 MB",
        ),
    ],
)
def test_wrong_create_is_refused_with_a_helpful_text(endpoint: str, body: JsonObject, code: int, text: str) -> None:
    with pytest.raises(RunwayError) as refusal:
        read_create(endpoint, body)
    assert refusal.value.code == code
    assert refusal.value.message.startswith(text)
