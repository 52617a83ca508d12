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
from media.limits import MOST_PIXELS
from media.videos import codec_of, main_stream, size_with_square_pixels, turn_of
from schemas.errors import ResultInvalid
from schemas.media_types import MediaType

_LIMITS = {"max_pixels": str(MOST_PIXELS)}
# Beyond so many damaged packets in a row, a file has nothing to show.
_MOST_DAMAGED = 500
# Times in files are rounded.
_EARLY_SECONDS = 0.0005


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
    """The length by the header, in seconds."""

    @property
    def seconds_of_pictures(self) -> float:
        """The length of the pictures alone, in seconds. The sound may be longer."""
        video = self.video
        return float(video.duration * video.time_base) if video.duration and video.time_base else self.duration

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec of the pictures."""
        return codec_of(self.video)

    @property
    def rate(self) -> float | None:
        """Frames per second. None: unknown."""
        return float(self.video.average_rate) if self.video.average_rate else None

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
        self.container.seek(int((self.start + start) * av.time_base), backward=True)
        open_streams = {stream.index for stream in streams}
        for packet in self.container.demux(streams):
            if packet.stream.index not in open_streams:
                continue
            for frame in _decoded(packet):
                if frame.pts is None or frame.time_base is None:
                    continue
                at = float(frame.pts * frame.time_base) - self.start - start
                if seconds is not None and at >= seconds:
                    open_streams.discard(packet.stream.index)
                elif at >= -_EARLY_SECONDS:
                    yield max(0.0, at), frame
            if not open_streams:
                return


@contextmanager
def opened(file: BinaryIO, media: MediaType, *, threads: int) -> Iterator[Source]:
    """Open a video.

    Raises:
        ResultInvalid: the file is damaged, or has no moving picture.
    """
    try:
        with open_container(file, media, _LIMITS) as container:
            video = main_stream(container)
            video.codec_context.options = dict(_LIMITS)
            video.codec_context.thread_count = threads
            audio = next((stream for stream in container.streams.audio if getattr(stream, "codec_context", None)), None)
            turn = _first_turn(container, video)
            yield Source(
                container,
                media,
                video,
                audio,
                turn,
                orientation.turned(size_with_square_pixels(video), turn),
                start=max(0.0, (container.start_time or 0) / av.time_base),
                duration=max(0, container.duration or 0) / av.time_base,
            )
    except FFmpegError as error:
        # Within a limit of memory, an encoder of another library fails without a reason.
        if isinstance(error, MemoryError | ExternalError):
            raise MemoryError from error  # noqa: TRY004 -- the type tells what happened
        raise ResultInvalid(f"the file is not a readable video: {error.strerror}") from error


def _decoded(packet: "Packet[Any]") -> list[VideoFrame | AudioFrame]:
    try:
        frames: Iterable[object] = packet.decode()
        return [frame for frame in frames if isinstance(frame, VideoFrame | AudioFrame)]
    except InvalidDataError:
        # Players skip damaged parts, too.
        return []


def _first_turn(container: InputContainer, video: VideoStream) -> Transpose | None:
    """The turn by the first picture. The next read starts at the beginning again."""
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
    container.seek(0, backward=True)
    return turn
