import threading
from fractions import Fraction
from pathlib import Path

import av
import pytest

from sandbox.media import COMMENT, Format, MediaSpec, write_media
from sandbox.scenarios import Delivered
from sandbox.video import Cancelled

VIDEO = MediaSpec(format="mp4", width=320, height=180, duration_seconds=2, frame_rate=24)


def make(path: Path, spec: MediaSpec, seed: str = "seed", source: Path | None = None) -> bytes:
    write_media(path, spec, seed=seed, source=source, cancelled=threading.Event())
    return path.read_bytes()


def first_frame(path: Path) -> av.VideoFrame:
    with av.open(path) as container:
        return next(container.decode(video=0))


@pytest.mark.parametrize(
    ("image_format", "magic", "codec"), [("png", b"\x89PNG\r\n\x1a\n", "png"), ("jpg", b"\xff\xd8\xff", "mjpeg")]
)
def test_image_has_the_requested_size_and_the_sandbox_comment(
    tmp_path: Path, image_format: Format, magic: bytes, codec: str
) -> None:
    path = tmp_path / f"image.{image_format}"
    content = make(path, MediaSpec(format=image_format, width=344, height=192))

    assert content.startswith(magic)
    assert COMMENT.encode() in content
    with av.open(path) as container:
        (stream,) = container.streams.video
        assert (stream.codec_context.name, stream.width, stream.height) == (codec, 344, 192)
        assert len(list(container.decode(video=0))) == 1


@pytest.mark.parametrize("sound", [False, True])
@pytest.mark.parametrize(
    ("duration", "rate", "count"), [(5, 24, 120), (10, 24, 240), (2, 30, 60), (1, Fraction(30000, 1001), 30)]
)
def test_video_has_exactly_the_requested_length(
    tmp_path: Path, duration: float, rate: float, count: int, sound: bool
) -> None:
    path = tmp_path / "video.mp4"
    spec = MediaSpec(format="mp4", width=64, height=48, duration_seconds=duration, frame_rate=float(rate), sound=sound)
    content = make(path, spec)

    with av.open(path) as container:
        (stream,) = container.streams.video
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == rate
        assert container.duration == round(count / rate * 1_000_000)
        assert container.metadata["comment"] == COMMENT
        assert [audio.codec_context.name for audio in container.streams.audio] == (["aac"] if sound else [])
        assert sum(1 for _ in container.decode(video=0)) == count
    # The index is at the front, so a player can start before the last byte.
    assert content.index(b"moov") < content.index(b"mdat")


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first = make(tmp_path / "first.mp4", VIDEO)

    assert make(tmp_path / "again.mp4", VIDEO) == first
    assert make(tmp_path / "other.mp4", VIDEO, seed="another") != first


def test_picture_has_the_mark_and_moves(tmp_path: Path) -> None:
    make(tmp_path / "video.mp4", VIDEO)
    with av.open(tmp_path / "video.mp4") as container:
        shots = [bytes(frame.reformat(format="gray").planes[0]) for frame in container.decode(video=0)]

    assert shots[0] != shots[-1]
    # The mark's first row: two pixels of background, a gap, four of ink, all enlarged twice, 8 pixels from the corner.
    frame = first_frame(tmp_path / "video.mp4").reformat(format="gray")
    line = bytes(frame.planes[0])[(180 - 8 - 2 * 11 + 4) * frame.planes[0].line_size :]
    assert min(line[14:20]) > 200
    assert max(line[8:11]) < 150


@pytest.mark.parametrize("spec", [VIDEO, MediaSpec(format="png", width=320, height=180)])
def test_first_frame_shows_the_source_image(tmp_path: Path, spec: MediaSpec) -> None:
    source = tmp_path / "source.png"
    make(source, MediaSpec(format="png", width=320, height=180), seed="other colours")
    make(tmp_path / f"made.{spec.format}", spec, source=source)

    made = first_frame(tmp_path / f"made.{spec.format}").reformat(format="rgb24")
    shown = first_frame(source).reformat(format="rgb24")
    pixel, original = bytes(made.planes[0])[:3], bytes(shown.planes[0])[:3]
    assert all(abs(got - expected) < 16 for got, expected in zip(pixel, original, strict=True))


def test_cancelled_video_is_abandoned(tmp_path: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()

    with pytest.raises(Cancelled):
        write_media(tmp_path / "video.mp4", VIDEO, seed="seed", source=None, cancelled=cancelled)


def test_scenario_changes_the_delivered_file() -> None:
    assert VIDEO.changed(Delivered(width=64, frame_rate=30)) == MediaSpec(
        format="mp4", width=64, height=180, duration_seconds=2, frame_rate=30
    )
    assert VIDEO.changed(Delivered()) == VIDEO


def test_padded_video_plays_the_same_and_takes_no_disk_space(tmp_path: Path) -> None:
    plain, padded = tmp_path / "plain.mp4", tmp_path / "padded.mp4"
    size = 5 * 1024**3
    make(plain, VIDEO)
    write_media(
        padded, VIDEO.changed(Delivered(size_bytes=size)), seed="seed", source=None, cancelled=threading.Event()
    )

    assert padded.stat().st_size == size
    assert padded.stat().st_blocks * 512 < 1024**2
    with av.open(plain) as short, av.open(padded) as long:
        assert [bytes(packet) for packet in long.demux(video=0)] == [bytes(packet) for packet in short.demux(video=0)]


def test_video_larger_than_the_requested_size_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    content = make(path, VIDEO)

    assert make(path, VIDEO.changed(Delivered(size_bytes=len(content) - 1))) == content
