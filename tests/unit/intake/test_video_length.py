import io
import struct
import tempfile
from collections.abc import Callable
from fractions import Fraction
from uuid import uuid4

import av
import pytest
from av.video.stream import VideoStream
from structlog.testing import capture_logs

from intake import video_length
from media.decoder import Limits
from schemas.media_types import MOV, MP4, WEBM, MediaType
from tests.media_files.servers import DecoderServer


def video(seconds: int, *, form: str = "mp4", codec: str = "mpeg4", **options: str) -> bytes:
    """A video of small black frames, ten per second."""
    target = io.BytesIO()
    with av.open(target, "w", format=form, options=options) as container:
        stream = container.add_stream(codec, rate=10)
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        for number in range(seconds * 10):
            frame = av.VideoFrame(16, 16, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def measured(content: bytes, media: MediaType = MP4) -> float | None:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        return video_length.measure(file, media, uuid4())


def changed(content: bytes, box: bytes, offset: int, *values: int) -> bytes:
    """The same file, with other 32-bit numbers in the body of the first box of this type."""
    patched = bytearray(content)
    struct.pack_into(f">{len(values)}I", patched, patched.index(box) + len(box) + offset, *values)
    return bytes(patched)


@pytest.mark.parametrize("media", [MP4, MOV])
@pytest.mark.parametrize("seconds", [1, 12])
def test_the_length_of_a_real_file(media: MediaType, seconds: int) -> None:
    assert measured(video(seconds, form=media.extension), media) == pytest.approx(seconds, abs=0.05)


def test_the_length_of_a_webm_file() -> None:
    assert measured(video(3, form="webm", codec="libvpx"), WEBM) == pytest.approx(3, abs=0.15)


def test_the_length_of_a_file_with_a_text_in_latin_1() -> None:
    assert measured(video(3).replace(b"Lavf", b"L\xe9vf")) == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("flags", ["frag_keyframe", "frag_keyframe+empty_moov", "dash"])
def test_the_length_of_a_file_in_fragments(flags: str) -> None:
    assert measured(video(3, movflags=flags)) == pytest.approx(3, abs=0.05)


# ISO/IEC 14496-12: `mdhd` (8.4.2) has its duration at 16, `stts` (8.6.1.2) its first entry at 8: a count and the time
# of each sample, `elst` (8.6.6) its first entry at 8: how long the first edit is.
@pytest.mark.parametrize(
    ("lie", "seconds"),
    [
        (lambda honest: changed(honest, b"mdhd", 16, 10_240), 3),
        (lambda honest: changed(honest, b"stts", 12, 10_240), 30),
        (lambda honest: changed(honest, b"elst", 8, 1_000), 3),
    ],
    ids=["header", "samples", "edits"],
)
def test_a_header_with_too_short_a_length_does_not_count(lie: Callable[[bytes], bytes], seconds: int) -> None:
    assert measured(lie(video(3))) == pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x00\x00\x18ftypisom" + bytes(100),
        video(3)[:1_000],
        struct.pack(">I4s", 4, b"moov") * 10,
        struct.pack(">I4s", 0, b"moov") * 100_000,
        struct.pack(">I4s", 8, b"free") * 1_000_000,
        b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
    ],
)
def test_a_file_without_a_length_returns_none_and_is_no_failure_of_ours(content: bytes) -> None:
    with capture_logs() as lines:
        assert measured(content) is None
    assert [line["event"] for line in lines if line["log_level"] == "error"] == []


def test_a_file_without_samples_returns_none() -> None:
    # With a constant sample size, the file needs no bytes for each of these samples.
    assert measured(changed(video(3), b"stsz", 4, 1, 0x7FFFFFF0)) is None


@pytest.mark.parametrize(
    "answer", ["time.sleep(600)", "os.abort()", "bytearray(10**12)", "float('inf')", "-1", "'12.0'", "'1' * 1_000_000"]
)
def test_a_stalled_failed_or_invalid_measurement_returns_none(
    answer: str, decoder_server: DecoderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder_server(f"media.child.longest = lambda *_: {answer}")
    monkeypatch.setattr(video_length, "LIMITS", Limits(64 * 1024**2, 1))
    assert measured(video(1)) is None
