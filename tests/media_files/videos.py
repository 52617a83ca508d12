"""Videos that PyAV writes: small pictures, 24 a second, with a key frame every second."""

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from PIL import Image

from tests.media_files.images import picture

FRAMES_PER_SECOND = 24

# Quick settings, so that a test with many files stays quick.
_QUICK: Mapping[str, Mapping[str, str]] = {
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
}
_PIXELS = {"prores_ks": "yuv422p10le", "png": "gray", "mjpeg": "yuvj420p"}


@dataclass(frozen=True)
class Video:
    """A stream of pictures. The left half has the colour of the second, the right half is black."""

    codec: str = "libx264"
    """FFmpeg's name of the encoder."""
    width: int = 64
    """In pixels, as stored."""
    height: int = 32
    """In pixels, as stored."""
    colors: Sequence[str] = ("red", "lime", "blue")
    """The colour of each second."""
    count: int | None = None
    """The number of pictures. None: all seconds."""
    rotation: float | None = None
    """The turn in the display matrix, counter-clockwise in degrees."""
    is_mirrored: bool = False
    """Whether the display matrix mirrors the picture too."""
    pixel_shape: Fraction | None = None
    """The sample aspect ratio."""
    is_cover: bool = False
    """Whether the stream is the cover of the file."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Other options of the encoder."""

    def add_to(self, container: OutputContainer) -> VideoStream:
        """Add the stream to a container."""
        stream = container.add_stream(self.codec, rate=FRAMES_PER_SECOND)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = self.width, self.height
        stream.pix_fmt = _PIXELS.get(self.codec, "yuv420p")
        stream.gop_size = FRAMES_PER_SECOND
        stream.options = {**_QUICK.get(self.codec, {}), **self.options}
        if self.pixel_shape is not None:
            stream.codec_context.sample_aspect_ratio = self.pixel_shape
        if self.rotation is not None:
            stream.set_display_rotation(self.rotation, hflip=self.is_mirrored)
        if self.is_cover:
            stream.disposition = Disposition.attached_pic
        return stream

    def frames(self) -> Iterator[av.VideoFrame]:
        """The pictures."""
        for number in range(len(self.colors) * FRAMES_PER_SECOND if self.count is None else self.count):
            color = self.colors[number // FRAMES_PER_SECOND]
            drawn = picture((self.width, self.height), color, "black")
            frame = frame_of(drawn, _PIXELS.get(self.codec, "yuv420p"))
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            yield frame


def video(*streams: Video, form: str = "mp4", is_piped: bool = False, **options: str) -> bytes:
    """A file with these streams, or with one of them as a default.

    Args:
        form: FFmpeg's name of the container.
        is_piped: the writer cannot go back in the file.
        options: options of the muxer.
    """
    with tempfile.TemporaryDirectory() as folder:
        # A file with a name: for some options the muxer reads its own output.
        path, pipe = Path(folder) / "video", _Pipe()
        with av.open(pipe if is_piped else str(path), "w", format=form, options=options) as container:
            wanted = streams or (Video(),)
            for source, stream in [(source, source.add_to(container)) for source in wanted]:
                for frame in source.frames():
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
        return bytes(pipe.content) if is_piped else path.read_bytes()


def frame_of(image: Image.Image, pixels: str) -> av.VideoFrame:
    """A picture as a frame with these pixels."""
    frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # PyAV has no types here
    return frame.reformat(format=pixels)


def sound() -> bytes:
    """A MOV with sound and without pictures."""
    output = io.BytesIO()
    with av.open(output, "w", format="mov") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return output.getvalue()


def key_frames(content: bytes) -> list[tuple[int, int]]:
    """Position and size of the key frames of an MP4."""
    with av.open(io.BytesIO(content), "r", format="mov") as container:
        return [(entry.pos, entry.size) for entry in container.streams.video[0].index_entries if entry.is_keyframe]


def damaged(content: bytes, *, key_frames_damaged: int | None = 1) -> bytes:
    """An MP4 whose first key frames hold other bytes. None: all pictures."""
    changed = bytearray(content)
    with av.open(io.BytesIO(content), "r", format="mov") as container:
        samples = [(entry.pos, entry.size) for entry in container.streams.video[0].index_entries]
    for start, size in samples if key_frames_damaged is None else key_frames(content)[:key_frames_damaged]:
        changed[start : start + size] = b"\xff" * size
    return bytes(changed)


def with_brand(content: bytes, major: bytes, *compatible: bytes) -> bytes:
    """An ISO file with other brands, in a box of the same size."""
    size = int.from_bytes(content[:4])
    brands = b"".join(compatible)[: size - 16].ljust(size - 16, b"\0")
    return content[:8] + major + content[12:16] + brands + content[size:]


def without_file_type(content: bytes, first: bytes) -> bytes:
    """An ISO file that begins with another box than `ftyp`. All positions stay."""
    size = int.from_bytes(content[:4])
    box = (8).to_bytes(4) + first
    return box + (size - 8).to_bytes(4) + b"free" + bytes(size - 16) + content[size:]


class _Pipe(io.RawIOBase):
    """A file that takes bytes in order only."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # typeshed asks for the wider ReadableBuffer
        self.content += data
        return len(data)
