"""Reads videos with PyAV: the properties, the length, and a picture for the poster."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import BinaryIO, cast

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import SideData, Type
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL.Image import Transpose

from media import image_files, iso_files, matroska_files, orientation
from media.containers import open_container
from media.cursor import Cursor, CutFile
from media.limits import MOST_PIXELS, memory_of_video, reason_not_to_decode
from media.posters import LONG_EDGE, poster
from media.reading import Poster, Probe, Reading
from schemas.errors import ResultInvalid
from schemas.media_types import AVIF, MediaType

_LIMITS = {"max_pixels": str(MOST_PIXELS)}
# Without a limit of pixels, FFmpeg must not decode.
_HEADERS_ONLY = {"skip_frame": "all"}

_COVERS = Disposition.attached_pic | Disposition.timed_thumbnails
_CODECS_OF_COVERS = frozenset({"mjpeg", "png"})

# The search for an undamaged key frame ends here. Most videos have a key frame every few seconds.
_MOST_PACKETS = 300

# Lengths in headers are rounded. A file that ends earlier than this is cut.
_MISSING_SECONDS = 0.25

# Pixels of another shape are a mistake in the file.
_ODDEST_PIXEL = 16


def read_video(file: BinaryIO, media: MediaType, memory_bytes: int, tell: Callable[[Probe], None]) -> Reading:
    """Read a video's properties, and make a poster of its first undamaged key frame.

    Raises:
        ResultInvalid: the file is cut, or has no moving picture, no length, or an unknown codec.
    """
    cursor = Cursor(file)
    tells_length = is_complete(cursor, media)
    try:
        with _open(file, media) as container:
            stream = main_stream(container)
            if media is AVIF and stream.frames <= 1:
                raise ResultInvalid("the file is a still picture, where a video was ordered")
            _require_samples(container, cursor.size)
            shown = size_with_square_pixels(stream)
            header = _probe(container, stream, shown)
            tell(replace(header, duration_seconds=header.duration_seconds or None))
            frame, undecoded = _picture(container, stream, memory_bytes)
            turn = None if frame is None else turn_of(frame)
            probe = _probe(container, stream, orientation.turned(shown, turn))
            still = None if frame is None else _poster(frame, shown, turn)
        announced = probe.duration_seconds or 0.0
        if not tells_length or not announced:
            probe = replace(probe, duration_seconds=_measured(file, media, announced))
    except FFmpegError as error:
        raise ResultInvalid(f"the file is not a readable video: {error.strerror}") from error
    return Reading(probe, still, undecoded)


def _probe(container: InputContainer, stream: VideoStream, shown: tuple[int, int]) -> Probe:
    """The properties that the header tells."""
    width, height = shown
    return Probe(
        width,
        height,
        codec_of(stream),
        duration_seconds=max(0, container.duration or 0) / av.time_base,
        frame_rate=float(stream.average_rate) if stream.average_rate else None,
        bit_rate=container.bit_rate or None,
    )


def _last_packet_end(container: InputContainer) -> float:
    """The end of the last packet of sound and pictures, in seconds. 0 without packets."""
    streams = [*container.streams.video, *container.streams.audio]
    # The final packet, which ends the stream, has neither times nor a duration.
    ends = (((each.pts or each.dts or 0) + (each.duration or 0)) * each.time_base for each in container.demux(streams))
    return float(max(ends, default=Fraction()))


def is_complete(cursor: Cursor, media: MediaType) -> bool:
    """Whether the header tells the length and the end of the file.

    Raises:
        CutFile: the end of the file is missing.
    """
    if media.demuxer == "matroska":
        return matroska_files.is_finished(cursor)
    if media is AVIF:
        image_files.pauses(cursor, media)
        cursor.move_to(0)
    return not iso_files.has_fragments(cursor)


def _open(file: BinaryIO, media: MediaType) -> InputContainer:
    container = open_container(file, media, _LIMITS)
    if all(stream.width for stream in container.streams.video if _has_codec(stream)):
        return container
    # The limit of pixels hides the size of a larger picture.
    container.close()
    return open_container(file, media, _HEADERS_ONLY)


def _has_codec(stream: VideoStream) -> bool:
    # Without a decoder in FFmpeg, the stream has no codec context. PyAV's types omit this case.
    return getattr(stream, "codec_context", None) is not None


def main_stream(container: InputContainer) -> VideoStream:
    """The largest stream of pictures that is no cover."""
    streams = [stream for stream in container.streams.video if not stream.disposition & _COVERS]
    if not streams:
        raise ResultInvalid("the file has no moving picture")
    known = [stream for stream in streams if _has_codec(stream) and stream.width and stream.height]
    if not known:
        raise ResultInvalid("the file's codec is unknown")
    return max(known, key=_rank)


def _rank(stream: VideoStream) -> tuple[bool, int, int]:
    """The rank of a stream. Not every writer marks covers. An AVIF sequence has its first picture as a stream too."""
    is_moving = codec_of(stream) not in _CODECS_OF_COVERS
    return is_moving, stream.width * stream.height, stream.frames


def codec_of(stream: VideoStream) -> str:
    """The format's name. `stream.codec_context.name` would be the decoder's."""
    return stream.codec_context.codec.canonical_name


def _require_samples(container: InputContainer, size_bytes: int) -> None:
    """Check that all samples in the file's table lie inside the file.

    Raises:
        CutFile: a sample lies after the end.
    """
    for stream in (*container.streams.video, *container.streams.audio):
        if any(entry.pos + entry.size > size_bytes for entry in stream.index_entries):
            raise CutFile


def _picture(container: InputContainer, stream: VideoStream, memory_bytes: int) -> tuple[VideoFrame | None, str | None]:
    """The first undamaged key frame, else the first frame; and the reason why there is none."""
    size = stream.width, stream.height
    undecoded = reason_not_to_decode(*size, needed=memory_of_video(*size), memory_bytes=memory_bytes)
    if undecoded is not None:
        return None, undecoded
    # `_open` limits the pixels for the headers; this line limits the pixels for the decoder.
    stream.codec_context.options = dict(_LIMITS)
    # Each thread needs memory, and one picture gains nothing from a second thread.
    stream.codec_context.thread_count = 1
    spare: VideoFrame | None = None
    try:
        for packet in islice(container.demux(stream), _MOST_PACKETS):
            try:
                frames = packet.decode()
            except FFmpegError:
                # The packet is damaged. A later key frame needs no earlier packet.
                continue
            for frame in frames:
                if frame.key_frame and not frame.is_corrupt:
                    return frame, None
                spare = spare or frame
    except FFmpegError:
        return spare, None if spare else "no picture of the video can be read"
    return spare, None if spare else "no picture of the video can be decoded"


def turn_of(frame: VideoFrame) -> Transpose | None:
    """The turn that brings a picture upright. None: the picture is upright."""
    # PyAV's types name one entry, and the frame has several.
    entries = cast("Iterable[SideData]", frame.side_data)
    matrix = next((bytes(each) for each in entries if each.type is Type.DISPLAYMATRIX), None)
    return None if matrix is None else orientation.of_matrix(matrix)


def size_with_square_pixels(stream: VideoStream) -> tuple[int, int]:
    """The size with square pixels, before the turn. As players do, enlarge one side and shrink none."""
    shape = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, _ODDEST_PIXEL) <= shape <= _ODDEST_PIXEL:
        shape = Fraction(1)
    return round(stream.width * max(shape, Fraction(1))), round(stream.height / min(shape, Fraction(1)))


def _poster(frame: VideoFrame, shown: tuple[int, int], turn: Transpose | None) -> Poster | None:
    """The poster. None if FFmpeg cannot convert the picture: a poster never decides over a result."""
    scale = min(1.0, LONG_EDGE / max(shown))
    width, height = (max(1, round(edge * scale)) for edge in shown)
    with suppress(FFmpegError):
        scaled = frame.reformat(width=width, height=height, format="rgb24")
        picture = scaled.to_image()  # type: ignore[no-untyped-call]  # PyAV has no types here
        return poster(picture if turn is None else picture.transpose(turn))
    return None


def _measured(file: BinaryIO, media: MediaType, announced: float) -> float:
    """The length by the packets, for a file whose header need not tell the length.

    Raises:
        ResultInvalid: the file has no length, or ends before the announced length.
    """
    with _open(file, media) as container:
        start = max(0.0, (container.start_time or 0) / av.time_base)
        seconds = _last_packet_end(container) - start
    if announced - seconds > _MISSING_SECONDS:
        raise CutFile
    if seconds <= 0:
        raise ResultInvalid("the video has no length")
    return seconds
