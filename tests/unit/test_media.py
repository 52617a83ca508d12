import io
import struct
import zlib
from collections.abc import Callable

import av
import pytest

from schemas.errors import ResultInvalid
from tasks import media


def png(width: int, height: int) -> bytes:
    """A black picture, small as a file however large it is."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packed, row = zlib.compressobj(9), bytes(1 + width * 3)
    pixels = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_picture_is_read() -> None:
    found = media.probe_image(io.BytesIO(png(640, 480)), "image/png")
    assert (found.width, found.height, found.codec) == (640, 480, "png")


def test_a_picture_that_would_exhaust_the_memory_is_refused() -> None:
    with pytest.raises(ResultInvalid):
        media.probe_image(io.BytesIO(png(9000, 9000)), "image/png")


@pytest.mark.parametrize(
    ("mark", "content_type", "read"),
    [
        (b"\xff\xd8\xff\n", "image/jpeg", media.probe_image),
        (b"\x1a\x45\xdf\xa3webm\n", "video/webm", media.probe_video),
        (b"\x00\x00\x00\x18ftypisom", "video/mp4", media.probe_video),
    ],
)
def test_a_session_description_under_the_mark_of_a_medium_is_not_followed(
    mark: bytes, content_type: str, read: Callable[[io.BytesIO, str], media.Probe]
) -> None:
    """Followed, it would open the network sockets that it names."""
    sdp = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    sdp += b"a=rtpmap:96 H264/90000\n"
    with pytest.raises(ResultInvalid):
        read(io.BytesIO(mark + sdp), content_type)


def mp4() -> bytes:
    """Two frames of H.264."""
    output = io.BytesIO()
    with av.open(output, mode="w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    return output.getvalue()


def test_a_video_is_read() -> None:
    found = media.probe_video(io.BytesIO(mp4()), "video/mp4")
    assert (found.width, found.height, found.codec) == (64, 64, "h264")


@pytest.mark.parametrize("read", [media.probe_video, media.poster])
def test_a_video_of_an_unknown_codec_is_refused(read: Callable[[io.BytesIO, str], object]) -> None:
    with pytest.raises(ResultInvalid):
        read(io.BytesIO(mp4().replace(b"avc1", b"zzzz")), "video/mp4")
