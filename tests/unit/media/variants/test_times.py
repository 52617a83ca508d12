"""Encoded videos keep the times of their pictures and sounds."""

from collections.abc import Sequence

import pytest

from schemas.media_types import MKV, MOV, MP4, MediaType
from tests.unit.media.variants.made import make, played, written

_STEADY = [number / 25 for number in range(75)]


def hevc(
    times: Sequence[float], sound: Sequence[tuple[float, float]] = (), *,
    media: MediaType = MP4, last: float = 0.04, order: str = "", sound_codec: str = "aac",
) -> bytes:  # fmt: skip
    """A video that is encoded, where H.264 would be copied."""
    options = {"preset": "ultrafast", "x265-params": f"log-level=none{order}"}
    return written(times, sound, media=media, last=last, codec="libx265", sound_codec=sound_codec, options=options)


@pytest.mark.parametrize("media", [MKV, MP4], ids=["matroska", "mp4"])
@pytest.mark.parametrize("recipe", ["web", "hls"])
def test_a_video_that_stands_still_and_then_moves_has_all_its_pictures(media: MediaType, recipe: str) -> None:
    times = [0.0, 50.0, *(100 + number / 30 for number in range(150))]
    made = make(hevc(times, media=media, last=1 / 30), media, recipe)
    copy = played(made.content)
    assert copy.pictures == pytest.approx(times, abs=0.002)
    assert copy.end == pytest.approx(105, abs=0.04)
    assert made.facts.duration_seconds == pytest.approx(105, abs=0.04)
    assert made.facts.frame_rate == pytest.approx(152 / 105, abs=0.01)


@pytest.mark.parametrize(("rate", "count"), [(24, 72), (59.94, 180), (60, 180), (90, 180), (120, 180)])
def test_more_than_60_pictures_a_second_become_60(rate: float, count: int) -> None:
    times = [number / rate for number in range(round(3 * rate))]
    made = make(hevc(times, media=MKV, last=1 / rate), MKV, "web")
    copy = played(made.content)
    # One picture is let through at the beginning.
    assert count <= len(copy.pictures) <= count + (rate > 60)
    assert made.facts.frame_rate == pytest.approx(count / 3, abs=0.5)
    assert made.facts.duration_seconds == pytest.approx(3, abs=0.02)


def test_pictures_that_come_early_are_kept() -> None:
    # 40 pictures a second on average. Every second one comes 5 ms after the one before.
    times = [at + early for at in (number / 20 for number in range(60)) for early in (0, 0.005)]
    copy = played(make(hevc(times, last=0.045), MP4, "web").content)
    assert copy.pictures == pytest.approx(times, abs=0.002)


def test_a_still_has_the_length_of_its_last_picture() -> None:
    made = make(hevc([0.0, 1500.0], last=1500.0, order=":bframes=0"), MP4, "web")
    assert made.facts.duration_seconds == pytest.approx(3000, abs=0.1)
    assert played(made.content).end == pytest.approx(3000, abs=0.1)


def test_a_part_of_a_still_shows_the_still() -> None:
    content = hevc([0.0, 100.0, 100.04])
    made = make(content, MP4, "copy", start_seconds=10, seconds=20)
    assert made.facts.duration_seconds == pytest.approx(20, abs=0.04)
    assert len(played(made.content).pictures) == 1


@pytest.mark.parametrize("recipe", ["web", "hls"])
@pytest.mark.parametrize(
    ("media", "codec"), [(MKV, "aac"), (MOV, "aac"), (MKV, "libopus")], ids=["matroska", "mov", "opus"]
)
def test_sound_with_a_gap_stays_in_step(media: MediaType, codec: str, recipe: str) -> None:
    times = [number / 25 for number in range(200)]
    made = make(hevc(times, [(0, 2), (6, 8)], media=media, sound_codec=codec), media, recipe)
    copy = played(made.content)
    assert len(copy.pictures) == 200
    assert len(copy.loud) == 2
    for (begin, end), (wanted_begin, wanted_end) in zip(copy.loud, [(0, 2), (6, 8)], strict=True):
        assert begin == pytest.approx(wanted_begin, abs=0.06)
        assert end == pytest.approx(wanted_end, abs=0.06)


@pytest.mark.parametrize("recipe", ["web", "hls"])
def test_sound_that_begins_late_begins_late(recipe: str) -> None:
    made = make(written(_STEADY, [(1, 3)], media=MKV, sound_codec="libopus"), MKV, recipe)
    ((begin, end),) = played(made.content).loud
    assert [begin, end] == pytest.approx([1, 3], abs=0.06)
