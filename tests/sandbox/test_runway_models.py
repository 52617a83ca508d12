import pytest
from pydantic import JsonValue

from sandbox.media import MediaSpec
from sandbox.task import JsonObject
from sandbox.vendors.runway.errors import RunwayError
from sandbox.vendors.runway.models import read_create

LINK = "https://images.example/a.png"
WORDS: JsonObject = {"model": "gen4.5", "promptText": "a boat", "ratio": "720:1280", "duration": 7}
PICTURE: JsonObject = {"model": "gen4_image", "promptText": "a boat", "ratio": "1680:720"}
TURBO: JsonObject = {"model": "gen4_turbo", "promptImage": LINK, "ratio": "1584:672"}
FRAME: JsonValue = {"uri": LINK, "position": "first"}


def test_a_video_is_silent_and_priced_by_the_second() -> None:
    create = read_create("text_to_video", {**WORDS, "seed": 7})
    assert create.spec() == MediaSpec(format="mp4", width=720, height=1280, duration_seconds=7, frame_rate=24)
    assert (create.credits, create.image_sources()) == (84, ())


@pytest.mark.parametrize("image", [LINK, [FRAME]])
def test_a_video_from_a_picture(image: JsonValue) -> None:
    create = read_create("image_to_video", {**WORDS, "ratio": "960:960", "promptImage": image})
    assert (create.size, create.credits, create.image_sources()) == ((960, 960), 84, (LINK,))


def test_turbo_can_do_without_words() -> None:
    create = read_create("image_to_video", TURBO)
    assert (create.size, create.credits) == ((1584, 672), 50)


@pytest.mark.parametrize(("ratio", "credits_"), [("1680:720", 5), ("720:960", 5), ("1920:1080", 8), ("1080:1080", 8)])
def test_a_picture_has_two_prices(ratio: str, credits_: int) -> None:
    create = read_create("text_to_image", {**PICTURE, "ratio": ratio})
    width, height = map(int, ratio.split(":"))
    assert create.spec() == MediaSpec(format="png", width=width, height=height)
    assert create.credits == credits_


def test_pictures_may_refer_to_three_others() -> None:
    references: list[JsonValue] = [{"uri": f"{LINK}?{number}", "tag": f"image{number}"} for number in range(3)]
    create = read_create("text_to_image", {**PICTURE, "referenceImages": references})
    assert create.image_sources() == (f"{LINK}?0", f"{LINK}?1", f"{LINK}?2")


@pytest.mark.parametrize("text", ["x" * 1000, "🚤" * 500])
def test_a_prompt_is_measured_in_utf_16(text: str) -> None:
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
    ],
)
def test_a_wrong_create_is_refused_in_words_that_help(endpoint: str, body: JsonObject, code: int, text: str) -> None:
    with pytest.raises(RunwayError) as refusal:
        read_create(endpoint, body)
    assert refusal.value.code == code
    assert refusal.value.message.startswith(text)
