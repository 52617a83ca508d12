"""Reads stored media with PyAV: the properties of a file, and a poster from a video's first frame."""

import io
from dataclasses import dataclass
from typing import BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from schemas.errors import ResultInvalid
from schemas.media_types import TAKEN

_POSTER_LONG_EDGE = 640

# FFmpeg's demuxers, by the media type that the first bytes show.
_DEMUXERS = {media.content_type: media.demuxer for media in TAKEN}

# 8K is 33 megapixels. Beyond this, a file of 2 MB unfolds into gigabytes of memory.
_MOST_PIXELS = 64 * 1024 * 1024
_LIMITS = {"max_pixels": str(_MOST_PIXELS), "protocol_whitelist": "none"}


@dataclass(frozen=True)
class Probe:
    """The properties of a media file."""

    width: int
    """In pixels."""
    height: int
    """In pixels."""
    codec: str
    """FFmpeg's name of the codec."""
    duration_seconds: float | None = None
    """The length of a video. None for an image."""
    frame_rate: float | None = None
    """Frames per second. None for an image, or if the file gives no rate."""
    bit_rate: int | None = None
    """Bits per second. None for an image, or if the file gives no rate."""


def probe_image(file: BinaryIO, content_type: str) -> Probe:
    """Read an image by decoding it.

    Raises:
        ResultInvalid: the file contains no image, or an image of more than 64 megapixels.
    """
    frame, codec = _first_frame(file, content_type)
    return Probe(width=frame.width, height=frame.height, codec=codec)


def probe_video(file: BinaryIO, content_type: str) -> Probe:
    """Read a video's headers.

    Raises:
        ResultInvalid: the file has no video stream or no length.
    """
    try:
        with _open(file, content_type) as container:
            stream = _video_stream(container)
            seconds = container.duration / av.time_base if container.duration else 0.0
            if seconds <= 0:
                raise ResultInvalid("the video has no length")
            return Probe(
                width=stream.width,
                height=stream.height,
                codec=stream.codec_context.name,
                duration_seconds=seconds,
                frame_rate=float(stream.average_rate) if stream.average_rate else None,
                bit_rate=container.bit_rate or None,
            )
    except FFmpegError as error:
        raise ResultInvalid(f"the file is not a readable video: {error.strerror}") from error


def poster(file: BinaryIO, content_type: str) -> tuple[bytes, Probe]:
    """Make a JPEG of a video's first frame. Returns the JPEG and its properties.

    Raises:
        ResultInvalid: no frame can be decoded.
    """
    frame, _ = _first_frame(file, content_type)
    scale = min(1.0, _POSTER_LONG_EDGE / max(frame.width, frame.height))
    # The chroma planes of JPEG's 4:2:0 pictures need even sizes.
    width, height = (max(2, round(edge * scale) // 2 * 2) for edge in (frame.width, frame.height))
    output = io.BytesIO()
    with av.open(output, mode="w", format="image2pipe") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        picture = frame.reformat(width=width, height=height, format="yuvj420p")
        picture.pts = 0
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return output.getvalue(), Probe(width=width, height=height, codec="mjpeg")


def _first_frame(file: BinaryIO, content_type: str) -> tuple[VideoFrame, str]:
    try:
        with _open(file, content_type) as container:
            stream = _video_stream(container)
            for frame in container.decode(stream):
                return frame, stream.codec_context.name
    except FFmpegError as error:
        raise ResultInvalid(f"the file cannot be decoded: {error.strerror}") from error
    raise ResultInvalid("the file holds no picture")


def _open(file: BinaryIO, content_type: str) -> InputContainer:
    return av.open(file, mode="r", format=_DEMUXERS[content_type], options=dict(_LIMITS))


def _video_stream(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise ResultInvalid("the file has no picture stream")
    stream = container.streams.video[0]
    # Without a decoder in FFmpeg, the stream has no codec context. PyAV's types omit this case.
    if getattr(stream, "codec_context", None) is None:
        raise ResultInvalid("the file's codec is unknown")
    # `_open` limits the pixels for the headers; this line limits the pixels for the decoder.
    stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
    return stream
