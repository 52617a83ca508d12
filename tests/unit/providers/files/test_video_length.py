import io
import struct
from fractions import Fraction

import av
import pytest

from providers.files.video_length import seconds_of


def video(seconds: int, *, form: str = "mp4", **options: str) -> bytes:
    """A video of small black pictures, ten a second."""
    target = io.BytesIO()
    with av.open(target, "w", format=form, options=options) as container:
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


def movie(*tracks: bytes, duration: int = 1_000) -> bytes:
    return box(b"moov", box(b"mvhd", head(duration)) + b"".join(tracks))


def media_header(body: bytes) -> bytes:
    """`mdhd` has its times where `mvhd` has them."""
    return box(b"mdhd", body)


def entries(kind: bytes, form: str, *rows: tuple[int, ...]) -> bytes:
    return box(kind, bytes(4) + struct.pack(">I", len(rows)) + b"".join(struct.pack(form, *row) for row in rows))


def track(*, header: int = 1_000, samples: tuple[int, int] = (10, 100), edits: bytes = b"") -> bytes:
    table = box(b"stbl", entries(b"stts", ">II", samples))
    return box(b"trak", edits + box(b"mdia", media_header(head(header)) + box(b"minf", table)))


def test_a_track_that_is_longer_than_the_file_says_counts() -> None:
    assert seconds_of(movie(track(header=30_000))) == 30


def test_samples_that_last_longer_than_the_headers_say_count() -> None:
    assert seconds_of(movie(track(samples=(300, 100)))) == 30


def test_a_track_that_is_played_again_and_again_counts_as_often() -> None:
    repeats = box(b"edts", entries(b"elst", ">IiI", *[(10_000, 0, 0x10000)] * 3))
    assert seconds_of(movie(track(edits=repeats))) == 30


def test_times_of_eight_bytes_are_read() -> None:
    assert seconds_of(box(b"moov", box(b"mvhd", head(5_000, version=1)))) == 5


@pytest.mark.parametrize("flags", ["frag_keyframe", "frag_keyframe+empty_moov", "dash"])
def test_a_file_in_fragments_is_not_read(flags: str) -> None:
    assert seconds_of(video(3, movflags=flags)) is None


def test_two_movies_in_one_file_are_not_read() -> None:
    assert seconds_of(movie() + movie()) is None


def test_a_movie_that_is_packed_is_not_read() -> None:
    assert seconds_of(box(b"moov", box(b"mvhd", head(1_000)) + box(b"cmov", bytes(20)))) is None


@pytest.mark.parametrize("content", [box(b"free", b"") * 3_000 + movie(), movie(*[box(b"trak", b"")] * 3_000)])
def test_a_file_of_very_many_boxes_is_not_read(content: bytes) -> None:
    assert seconds_of(content) is None


def test_a_table_of_very_many_entries_is_not_read() -> None:
    table = box(b"stts", bytes(4) + struct.pack(">I", 2**32 - 1) + bytes(100))
    tracks = box(b"trak", box(b"mdia", media_header(head(1_000)) + box(b"minf", box(b"stbl", table))))
    assert seconds_of(movie(tracks)) is None


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
        box(b"moov", box(b"mvhd", b"")),
        struct.pack(">I4s", 4, b"moov") * 10,
        struct.pack(">I4s", 0, b"moov") * 100_000,
    ],
)
def test_a_file_that_does_not_say_how_long_it_is(content: bytes) -> None:
    assert seconds_of(content) is None
