import io
import struct
from fractions import Fraction

import av
import pytest

from providers.video_length import seconds_of


def video(seconds: int, *, form: str = "mp4") -> bytes:
    """A video of small black pictures, ten a second."""
    target = io.BytesIO()
    with av.open(target, "w", format=form) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        for number in range(seconds * 10):
            frame = av.VideoFrame(16, 16, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


@pytest.mark.parametrize("form", ["mp4", "mov"])
@pytest.mark.parametrize("seconds", [1, 12])
def test_the_length_of_a_real_file(form: str, seconds: int) -> None:
    assert seconds_of(video(seconds, form=form)) == pytest.approx(seconds, abs=0.05)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def head(duration: int, *, version: int = 0) -> bytes:
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, 1000, duration)
    return bytes([version, 0, 0, 0]) + times


def test_a_track_that_is_longer_than_the_file_says_counts() -> None:
    tracks = box(b"trak", box(b"mdia", box(b"mdhd", head(30_000))))
    assert seconds_of(box(b"moov", box(b"mvhd", head(1_000)) + tracks)) == 30


def test_times_of_eight_bytes_are_read() -> None:
    assert seconds_of(box(b"moov", box(b"mvhd", head(5_000, version=1)))) == 5


def test_a_file_in_fragments_tells_its_length_elsewhere() -> None:
    extends = box(b"mvex", box(b"mehd", struct.pack(">II", 0, 7_000)))
    assert seconds_of(box(b"moov", box(b"mvhd", head(0)) + extends)) == 7


def test_a_large_box_before_it_is_passed_over() -> None:
    data = struct.pack(">I4sQ", 1, b"mdat", 16 + 100) + bytes(100)
    assert seconds_of(data + box(b"moov", box(b"mvhd", head(5_000)))) == 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1a\x45\xdf\xa3 webm",
        box(b"ftyp", b"isom"),
        box(b"moov", b""),
        box(b"moov", box(b"mvhd", head(0))),
        box(b"moov", box(b"mvhd", head(5)[:10])),
        box(b"moov", box(b"mvhd", bytes(20))),
        struct.pack(">I4s", 4, b"moov") * 10,
        struct.pack(">I4s", 0, b"moov") * 100_000,
    ],
)
def test_a_file_that_does_not_say_how_long_it_is(content: bytes) -> None:
    assert seconds_of(content) is None
