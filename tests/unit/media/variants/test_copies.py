"""Copies have as many pictures as their source, at the same times, with the sound in step."""

import io

import av
import pytest

from schemas.media_types import MKV, MOV, MP4, MediaType
from tests.unit.media.variants.made import make, played, written

_FRAME = 0.04
_REORDERED = {"bf": "3", "preset": "medium", "b_strategy": "0"}
_STEADY = [number * _FRAME for number in range(75)]


@pytest.mark.parametrize("recipe", ["web", "hls"])
@pytest.mark.parametrize("media", [MKV, MOV], ids=["matroska", "mov"])
def test_a_copy_of_pictures_in_another_order_has_them_all(media: MediaType, recipe: str) -> None:
    content = written(_STEADY, [(0, 3)], media=media, options={**_REORDERED, "g": "25"})
    made = make(content, media, recipe)
    assert made.facts.is_copied
    copy = played(made.content)
    assert copy.pictures == pytest.approx(_STEADY, abs=0.002)
    assert copy.end == pytest.approx(3.0, abs=_FRAME)
    ((begin, end),) = copy.loud
    assert [begin, end] == pytest.approx([0, 3], abs=_FRAME)


@pytest.mark.parametrize("recipe", ["web", "hls"])
def test_a_video_without_times_of_decoding_is_encoded(recipe: str) -> None:
    # So few pictures end before FFmpeg derives a time of decoding.
    made = make(written(_STEADY[:2], media=MKV, options=_REORDERED), MKV, recipe)
    assert len(played(made.content).pictures) == 2


@pytest.mark.parametrize("recipe", ["web", "hls"])
def test_sound_before_the_first_picture_is_copied(recipe: str) -> None:
    made = make(written([1 + at for at in _STEADY], [(0, 4)], media=MKV), MKV, recipe)
    assert made.facts.is_copied
    copy = played(made.content)
    assert len(copy.pictures) == 75
    ((begin, end),) = copy.loud
    assert [begin, end] == pytest.approx([-1, 3], abs=_FRAME)


def test_a_copy_to_a_smaller_stream_is_encoded_at_its_size() -> None:
    content = written(_STEADY, size=(320, 180))
    made = make(content, MP4, "hls", width=160)
    assert (made.facts.width, made.facts.height, made.facts.is_copied) == (160, 90, False)
    with av.open(io.BytesIO(made.content), "r", format="mov") as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (160, 90)
    assert make(content, MP4, "hls", width=640).facts.is_copied
