"""The words of other APIs in the settings of `/video` and `/image`."""

from typing import Any

import pytest

from gateway.seeds.forms import ExtendVideo, GenerateImage, GenerateVideo


def video(**settings: Any) -> GenerateVideo:
    return GenerateVideo.model_validate({"prompt": "a boat", "settings": {"video": settings}})


def image(**settings: Any) -> GenerateImage:
    return GenerateImage.model_validate({"prompt": "a boat", "settings": {"image": settings}})


@pytest.mark.parametrize("name", ["duration_seconds", "nFrames", "n_frames"])
@pytest.mark.parametrize(("value", "seconds"), [("5", 5), ("10", 10), (8, 8)])
def test_the_seconds_have_the_names_of_kies_forms(name: str, value: object, seconds: int) -> None:
    wanted = video(**{name: value})
    assert (wanted.fields["duration_seconds"], wanted.group.unknown) == (seconds, [])
    extension = ExtendVideo.model_validate(
        {"prompt": "on", "video_id": "https://a.example/1", "settings": {"video": {name: value}}}
    )
    assert extension.fields["duration_seconds"] == seconds


@pytest.mark.parametrize("form", [video, image])
@pytest.mark.parametrize("name", ["aspect_ratio", "image_size"])
@pytest.mark.parametrize(
    ("word", "ratio"), [("landscape", "16:9"), ("portrait", "9:16"), ("square", "1:1"), ("16:9", "16:9")]
)
def test_the_shape_has_the_names_and_words_of_kies_forms(form: Any, name: str, word: str, ratio: str) -> None:
    wanted = form(**{name: word})
    assert (wanted.fields["aspect_ratio"], wanted.group.unknown) == (ratio, [])


def test_of_two_names_our_own_counts_and_the_other_one_is_named() -> None:
    wanted = video(duration_seconds=8, nFrames="5")
    assert (wanted.fields["duration_seconds"], wanted.group.unknown) == (8, ["nFrames"])
