"""Writes MP4 files whose index comes first, and HLS streams of one file, into the output file."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.container import OutputContainer

from media.variants.recipes import FILE_URI
from media.variants.sink import Sink

_SEGMENT_SECONDS = 4
# A name with a protocol: without one, the muxer writes temporary files.
_PLAYLIST = "variant://playlist.m3u8"


class _Text(io.BytesIO):
    """A text that can be read after the muxer has closed it."""

    def __init__(self) -> None:
        super().__init__()
        self.content = b""

    def close(self) -> None:
        if not self.closed:
            self.content = self.getvalue()
        super().close()


@contextmanager
def mp4(descriptor: int) -> Iterator[OutputContainer]:
    """An MP4 file whose `moov` comes before its `mdat`, so a player can begin before it has the whole file."""
    sinks = [Sink(descriptor, "output.mp4")]

    def reread(_url: str, _flags: int, _options: object) -> Sink:
        # To move the media data, the muxer opens the file a second time.
        sinks.append(Sink(descriptor, "output.mp4"))
        return sinks[-1]

    with (
        _troubles_told(sinks),
        av.open(sinks[0].file, "w", format="mp4", options={"movflags": "+faststart"}, io_open=reread) as output,
    ):
        yield output


@contextmanager
def hls(descriptor: int, index: list[str]) -> Iterator[OutputContainer]:
    """An HLS stream: one fragmented MP4 file, and a playlist of its byte ranges, which `index` gets at the end."""
    sinks: list[Sink] = []
    playlists: list[_Text] = []

    def opened(url: str, _flags: int, _options: object) -> Sink | _Text:
        if url == _PLAYLIST:
            playlists.append(_Text())
            return playlists[-1]
        sinks.append(Sink(descriptor, url))
        return sinks[-1]

    options = {
        "hls_segment_type": "fmp4",
        "hls_flags": "single_file+independent_segments",
        "hls_time": str(_SEGMENT_SECONDS),
        "hls_playlist_type": "vod",
        "hls_list_size": "0",
        "hls_segment_filename": _MEDIA_NAME,
    }
    with _troubles_told(sinks), av.open(_PLAYLIST, "w", format="hls", options=options, io_open=opened) as output:
        yield output
    index.append(playlists[-1].content.decode().replace(_MEDIA_NAME, FILE_URI))


_MEDIA_NAME = "media.mp4"


@contextmanager
def _troubles_told(sinks: list[Sink]) -> Iterator[None]:
    """Raise the trouble of the output file in place of FFmpeg's error."""
    try:
        yield
    except Exception:
        trouble = next((sink.trouble for sink in sinks if sink.trouble), None)
        if trouble is not None:
            raise trouble from None
        raise
