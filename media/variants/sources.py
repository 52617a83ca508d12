"""Opens a result for a variant: its streams, its pictures in their times, and its sound."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import ExternalError, FFmpegError, InvalidDataError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL.Image import Transpose

from media import orientation
from media.containers import open_container
from media.cursor import Cursor
from media.limits import MOST_PIXELS
from media.videos import codec_of, is_complete, main_stream, size_with_square_pixels, turn_of
from schemas.errors import ResultInvalid
from schemas.media_types import MediaType

_LIMITS = {"max_pixels": str(MOST_PIXELS)}
# Beyond so many damaged packets in a row, a file has nothing to show.
_MOST_DAMAGED = 500
# Times in files are rounded.
_EARLY_SECONDS = 0.0005
HIGHEST_RATE = 60
"""The most pictures in a second of a variant."""
_USUAL_RATE = 25


@dataclass(frozen=True)
class Source:
    """An open result."""

    container: InputContainer
    """The file."""
    media: MediaType
    """The format of the file."""
    video: VideoStream
    """The pictures."""
    audio: AudioStream | None
    """The sound. None: there is none."""
    turn: Transpose | None
    """The turn that brings the pictures upright."""
    size: tuple[int, int]
    """Width and height as a player shows the pictures."""
    start: float
    """The time of the first picture or sound, in seconds."""
    duration: float
    """The length of pictures and sound, in seconds: by the header, or by the packets where no header tells."""
    seconds_of_pictures: float
    """The end of the last picture, in seconds from `start`. The sound may be longer."""

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec of the pictures."""
        return codec_of(self.video)

    @property
    def rate(self) -> float | None:
        """Frames per second on average. None: unknown."""
        return float(self.video.average_rate) if self.video.average_rate else None

    @property
    def usual_gap(self) -> float:
        """The seconds between two pictures where the video moves. Where the video stands still, they may be longer."""
        rates = [float(rate) for rate in (self.video.average_rate, self.video.base_rate) if rate]
        return 1 / min(max(rates, default=_USUAL_RATE), HIGHEST_RATE)

    def frames(
        self, start: float, seconds: float | None, *, with_sound: bool = True
    ) -> Iterator[tuple[float, VideoFrame | AudioFrame]]:
        """Pictures and sounds of a part, with their times from its beginning, in the order of the file.

        Args:
            start: the beginning of the part, in seconds.
            seconds: the length of the part. None: to the end.
            with_sound: whether the sound is read, too.
        """
        streams = [self.video] if self.audio is None or not with_sound else [self.video, self.audio]
        # A seek leads to a picture. Sounds before the first picture are found without a seek.
        if start > self._start_of_pictures or not with_sound:
            self.container.seek(int((self.start + start) * av.time_base), backward=True)
        open_streams = {stream.index for stream in streams}
        shown: VideoFrame | None = None
        for packet in self.container.demux(streams):
            if packet.stream.index not in open_streams:
                continue
            for frame in _decoded(packet):
                if frame.pts is None or frame.time_base is None:
                    continue
                at = float(frame.pts * frame.time_base) - self.start - start
                if isinstance(frame, VideoFrame) and at < -_EARLY_SECONDS:
                    shown = frame
                    continue
                if isinstance(frame, VideoFrame) and shown is not None:
                    if at > self.usual_gap or (seconds is not None and at >= seconds):
                        yield 0.0, shown
                    shown = None
                if seconds is not None and at >= seconds:
                    open_streams.discard(packet.stream.index)
                elif at >= -_EARLY_SECONDS:
                    yield max(0.0, at), frame
            if not open_streams:
                return
        if shown is not None and start < self.seconds_of_pictures:
            yield 0.0, shown

    @property
    def _start_of_pictures(self) -> float:
        """The time of the first picture from the beginning, in seconds."""
        return _seconds(self.video.start_time, self.video) - self.start


@contextmanager
def opened(file: BinaryIO, media: MediaType, *, threads: int) -> Iterator[Source]:
    """Open a video.

    Raises:
        ResultInvalid: the file is damaged, or has no moving picture.
    """
    try:
        tells_length = is_complete(Cursor(file), media)
        with open_container(file, media, _LIMITS) as container:
            turn = _first_turn(container, _pictures_of(container, threads))
            measured = None if tells_length and container.duration else _measured(file, media)
        # A second time, from the beginning: a seek to the first picture passes sounds that come before.
        with open_container(file, media, _LIMITS) as container:
            video = _pictures_of(container, threads)
            start, end = _start_of(container, video), _end_of_header(video)
            duration = max(0, container.duration or 0) / av.time_base
            if measured is not None:
                duration, end = measured.duration - start, measured.end_of_pictures
            yield Source(
                container,
                media,
                video,
                next((stream for stream in container.streams.audio if getattr(stream, "codec_context", None)), None),
                turn,
                orientation.turned(size_with_square_pixels(video), turn),
                start,
                duration,
                seconds_of_pictures=duration if end is None else end - start,
            )
    except FFmpegError as error:
        # Within a limit of memory, an encoder of another library fails without a reason.
        if isinstance(error, MemoryError | ExternalError):
            raise MemoryError from error  # noqa: TRY004 -- the type tells what happened
        raise ResultInvalid(f"the file is not a readable video: {error.strerror}") from error


def _pictures_of(container: InputContainer, threads: int) -> VideoStream:
    video = main_stream(container)
    video.codec_context.options = dict(_LIMITS)
    video.codec_context.thread_count = threads
    return video


def _start_of(container: InputContainer, video: VideoStream) -> float:
    """The time of the first picture or sound, in seconds. Sound before 0 prepares the decoder, and is not heard."""
    start = (container.start_time or 0) / av.time_base
    return start if start >= 0 else min(0.0, _seconds(video.start_time, video))


def _end_of_header(video: VideoStream) -> float | None:
    """The end of the last picture by the header, in seconds. None: the header does not tell."""
    return _seconds(video.start_time, video) + _seconds(video.duration, video) if video.duration else None


def _seconds(ticks: int | None, stream: VideoStream) -> float:
    return float((ticks or 0) * (stream.time_base or 0))


@dataclass(frozen=True)
class _Ends:
    duration: float
    """The end of the last picture or sound, in seconds."""
    end_of_pictures: float
    """The end of the last picture, in seconds."""


def _measured(file: BinaryIO, media: MediaType) -> _Ends:
    """The ends by the packets, for a file whose header does not tell the length.

    Raises:
        ResultInvalid: the file has no length.
    """
    with open_container(file, media, _LIMITS) as container:
        video = main_stream(container)
        ends: dict[int, float] = {}
        for packet in container.demux([video, *container.streams.audio]):
            at = packet.dts if packet.pts is None else packet.pts
            if at is not None and packet.size:
                after = float((at + (packet.duration or 0)) * packet.time_base)
                ends[packet.stream.index] = max(after, ends.get(packet.stream.index, after))
        end = max(ends.values(), default=0.0)
        if end <= 0:
            raise ResultInvalid("the video has no length")
        return _Ends(end, ends.get(video.index, end))


def _decoded(packet: "Packet[Any]") -> list[VideoFrame | AudioFrame]:
    try:
        frames: Iterable[object] = packet.decode()
        return [frame for frame in frames if isinstance(frame, VideoFrame | AudioFrame)]
    except InvalidDataError:
        # Players skip damaged parts, too.
        return []


def _first_turn(container: InputContainer, video: VideoStream) -> Transpose | None:
    """The turn by the first picture."""
    turn = None
    for number, packet in enumerate(container.demux(video)):
        frames = [frame for frame in _decoded(packet) if isinstance(frame, VideoFrame)]
        if frames:
            turn = turn_of(frames[0])
            break
        if number > _MOST_DAMAGED:
            raise ResultInvalid("no picture of the video can be decoded")
    else:
        raise ResultInvalid("no picture of the video can be decoded")
    return turn
