import io
import re
import struct
import zlib

import pytest

from media import cursor
from media.limits import MOST_IMAGE_BYTES
from media.reader import read
from schemas.enums import Kind
from schemas.errors import ResultInvalid
from schemas.media_types import AVIF, GIF, HEIC, JPEG, MP4, PNG, WEBM, WEBP, MediaType
from tests.media_files.heic import heic
from tests.media_files.images import animation, image


@pytest.mark.parametrize(
    ("mark", "media"),
    [(b"\xff\xd8\xff\n", JPEG), (b"\x1a\x45\xdf\xa3webm\n", WEBM), (b"\x00\x00\x00\x18ftypisom", MP4)],
)
def test_a_session_description_under_the_mark_of_a_medium_is_not_followed(mark: bytes, media: MediaType) -> None:
    """Followed, it would open the network sockets that it names."""
    sdp = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    sdp += b"a=rtpmap:96 H264/90000\n"
    with pytest.raises(ResultInvalid):
        read(io.BytesIO(mark + sdp), media, media.kind)


def _with_size(form: str, width: int, height: int) -> bytes:
    """A small picture whose header names another size."""
    content = bytearray({"HEIC": heic, "WEBP": lambda: animation("WEBP")}.get(form, lambda: image(form))())
    match form:
        case "PNG":
            content[16:24] = struct.pack(">II", width, height)
            content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        case "JPEG":
            start = content.index(b"\xff\xc0") + 5
            content[start : start + 4] = struct.pack(">HH", height, width)
        case "GIF":
            content[6:10] = struct.pack("<HH", width, height)
        case "WEBP":
            start = content.index(b"VP8X") + 12
            content[start : start + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        case _:
            for found in re.finditer(b"ispe", bytes(content)):
                start = found.end() + 4
                content[start : start + 8] = struct.pack(">II", width, height)
    return bytes(content)


@pytest.mark.parametrize("media", [PNG, JPEG, GIF, WEBP, AVIF, HEIC], ids=lambda media: media.extension)
def test_a_picture_over_the_limit_is_not_decoded_and_its_size_is_known(media: MediaType) -> None:
    form = "HEIC" if media is HEIC else media.plugin
    found = read(io.BytesIO(_with_size(form, 9000, 8000)), media, Kind.IMAGE)
    assert (found.probe.width, found.probe.height, found.poster) == (9000, 8000, None)
    assert found.undecoded == "a picture of 9000x8000 is not decoded: 64 megapixels are the limit"


def test_a_file_of_empty_parts_only_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "_MOST_STEPS", 1000)
    content = b"\x00\x00\x00\x10ftypisom" + bytes(4) + struct.pack(">I4s", 8, b"free") * 2000
    with pytest.raises(ResultInvalid, match="too many parts"):
        read(io.BytesIO(content), MP4, Kind.VIDEO)


def test_an_image_larger_than_the_memory_limit_is_refused_unread() -> None:
    class Padded(io.BytesIO):
        """A small file that claims to be large."""

        def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
            position = super().seek(offset, whence)
            return position + MOST_IMAGE_BYTES if whence == io.SEEK_END else position

    with pytest.raises(ResultInvalid, match=f"{MOST_IMAGE_BYTES} are the limit"):
        read(Padded(image("WEBP")), WEBP, Kind.IMAGE)
