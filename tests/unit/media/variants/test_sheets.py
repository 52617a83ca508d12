"""Previews and sprite sheets show the picture of each time."""

import io
import re
from itertools import pairwise

import pytest
from PIL import Image

from schemas.media_types import MKV, MP4, MediaType
from tests.unit.media.variants.made import Variant, make, written

# The brightness of a video goes from 16 to 235.
_RANGE = 219


def shown(sheet: Variant) -> list[tuple[float, float, int]]:
    """Begin, end and number of the picture of each cue."""
    with Image.open(io.BytesIO(sheet.content), formats=["JPEG"]) as image:
        image.load()
    found = []
    cue = r"([\d:.]+) --> ([\d:.]+)\n\{file\}#xywh=(\d+),(\d+),(\d+),(\d+)"
    for begin, end, *place in re.findall(cue, sheet.index or ""):
        left, top, width, height = (int(each) for each in place)
        pixel = image.convert("L").getpixel((left + width // 4, top + height // 2))
        assert isinstance(pixel, int | float)
        found.append((_seconds(begin), _seconds(end), round(pixel * _RANGE / 255)))
    return found


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


@pytest.mark.parametrize("media", [MP4, MKV], ids=["mp4", "matroska"])
@pytest.mark.parametrize("gap", [3.0, 10.0], ids=["short", "long"])
def test_each_sprite_of_a_long_video_shows_its_time(media: MediaType, gap: float) -> None:
    # The longer one is read by seeks. A key frame comes every 7 pictures, so most sprites lie between two.
    times = [number * gap for number in range(100)]
    cues = shown(make(written(times, media=media, last=gap, options={"g": "7", "bf": "2"}), media, "sprites"))
    assert [cue[0] for cue in cues] == pytest.approx(times, abs=0.01)
    assert cues[-1][1] == pytest.approx(100 * gap, abs=0.1)
    assert all(abs(cue[2] - number) <= 1 for number, cue in enumerate(cues))


def test_a_sprite_between_two_pictures_shows_the_first() -> None:
    # 100 sprites of 8 s, and a picture every 20 s.
    cues = shown(make(written([number * 20.0 for number in range(40)], last=20.0, options={"g": "5"}), MP4, "sprites"))
    assert len(cues) == 100
    assert all(abs(number - begin // 20) <= 1 for begin, _, number in cues)


@pytest.mark.parametrize(
    ("media", "muxer"), [(MKV, {"live": "1"}), (MP4, {"movflags": "frag_keyframe+empty_moov"})], ids=["matroska", "mp4"]
)
def test_a_video_without_a_length_in_its_header_has_its_sprites_and_its_length(
    media: MediaType, muxer: dict[str, str]
) -> None:
    content = written([number / 25 for number in range(100)], [(0, 4)], media=media, muxer=muxer, options={"g": "25"})
    cues = shown(make(content, media, "sprites"))
    assert len(cues) in {16, 17}
    assert cues[-1][1] == pytest.approx(4, abs=0.1)
    assert all(before[2] < after[2] for before, after in pairwise(cues))
    for recipe in ("web", "hls"):
        assert make(content, media, recipe).facts.duration_seconds == pytest.approx(4, abs=0.1), recipe


def test_a_preview_keeps_the_times_of_pictures() -> None:
    made = make(written([0.0, 2.0, 2.5], last=0.5), MP4, "preview", seconds=3)
    assert made.facts.duration_seconds == pytest.approx(3)
    with Image.open(io.BytesIO(made.content), formats=["WEBP"]) as image:
        lengths = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            lengths.append(image.info["duration"])
    assert sum(lengths) == pytest.approx(3000, abs=150)
    assert lengths[0] == pytest.approx(2000, abs=130)
