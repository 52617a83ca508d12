import io

import pytest

from media.limits import MOST_IMAGE_BYTES
from media.reader import read
from schemas.enums import Kind
from schemas.errors import ResultInvalid
from schemas.media_types import JPEG, MP4, WEBM, WEBP, MediaType
from tests.media_files.images import image


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


def test_an_image_larger_than_the_memory_limit_is_refused_unread() -> None:
    class Padded(io.BytesIO):
        """A small file that claims to be large."""

        def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
            position = super().seek(offset, whence)
            return position + MOST_IMAGE_BYTES if whence == io.SEEK_END else position

    with pytest.raises(ResultInvalid, match=f"{MOST_IMAGE_BYTES} are the limit"):
        read(Padded(image("WEBP")), WEBP, Kind.IMAGE)
