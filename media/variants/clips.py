"""Encodes pictures and sound as H.264 and AAC, which every browser plays."""

from collections.abc import Mapping
from fractions import Fraction

from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from media.variants.filters import Pictures
from media.variants.recipes import Job
from media.variants.sizes import Placed, place
from media.variants.sounds import SoundEncoder
from media.variants.sources import HIGHEST_RATE, Source
from schemas.errors import ResultInvalid

# Times of pictures in the new file. 90 kHz holds every usual rate of frames.
_TICKS = 90_000
_KEY_FRAME_SECONDS = 2
_QUALITY = 21
_PRESET = "veryfast"
# After slow pictures, so many seconds of pictures at the highest rate may come at once.
_SAVED_SECONDS = 0.25
# Times in files are rounded, so a picture may come early: by this part of the gap.
_EARLY = 0.4


class _Budget:
    """Lets as many pictures pass as the highest rate has. No picture of a slower video is left out."""

    def __init__(self) -> None:
        self._due: float | None = None

    def allows(self, at: float) -> bool:
        """Whether a picture may be shown at this time, in seconds."""
        # One picture is saved at the beginning.
        due = at - 1 / HIGHEST_RATE if self._due is None else self._due
        if at < due - _EARLY / HIGHEST_RATE:
            return False
        self._due = max(due, at - _SAVED_SECONDS) + 1 / HIGHEST_RATE
        return True


class Encoder:
    """Encodes a part of a source into a container."""

    def __init__(self, source: Source, output: OutputContainer, job: Job, *, even_keys: bool = False) -> None:
        """Add the streams.

        Args:
            even_keys: put a key frame at every `_KEY_FRAME_SECONDS`, for segments.
        """
        self._source, self._output, self._job = source, output, job
        self._even_keys = even_keys
        self.placed: Placed = place(source.size, job.width, job.height, job.fit, step=2)
        self._pictures = Pictures(self.placed, source.turn, pixels="yuv420p")
        self._video = self._video_stream()
        self._sound = None if source.audio is None else SoundEncoder(output, source.audio)
        self._budget = _Budget()
        self._waiting: VideoFrame | None = None
        """The last picture. Its length is known when the next picture comes."""
        self._last_tick = -1
        self._last_key = -1
        self._lengths: dict[int, int] = {}
        """The lengths of pictures in the encoder, by their times."""
        self.pictures = 0
        """The number of encoded pictures."""
        self.end = 0.0
        """The time after the last picture, in seconds."""

    @property
    def rate(self) -> float:
        """Frames per second: those of the source if the new file has as many, else the average."""
        rate = self._source.rate or 0.0
        return rate if abs(rate * self.end - self.pictures) < 1 else self.pictures / self.end

    def run(self) -> None:
        """Encode the part.

        Raises:
            ResultInvalid: the part has no picture.
        """
        for at, frame in self._source.frames(self._job.start_seconds, self._job.seconds):
            if isinstance(frame, VideoFrame):
                self._picture(at, frame)
            elif self._sound is not None:
                self._sound.add(at, frame)
        if not self.pictures:
            length = f"the video has {self._source.duration:.2f} s"
            raise ResultInvalid(f"there is no picture after {self._job.start_seconds:g} s: {length}")
        if self._job.seconds is not None:
            self.end = min(self.end, self._job.seconds)
        self._encode_waiting(until=round(self.end * _TICKS))
        self._mux(self._video.encode(None))
        if self._sound is not None:
            self._sound.finish()

    def _video_stream(self) -> VideoStream:
        width, height = self.placed.cut
        options: Mapping[str, str] = {
            "preset": _PRESET,
            "crf": str(_QUALITY),
            "profile": "high",
            "threads": str(self._job.threads),
        }
        rate = Fraction(1 / self._source.usual_gap).limit_denominator(1001)
        stream = self._output.add_stream("libx264", rate=rate, options=dict(options), width=width, height=height)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        stream.codec_context.gop_size = max(1, round(_KEY_FRAME_SECONDS / self._source.usual_gap))
        return stream

    def _picture(self, at: float, frame: VideoFrame) -> None:
        self.end = max(self.end, at + self._length(at, frame))
        tick = round(at * _TICKS)
        if tick <= self._last_tick or not self._budget.allows(at):
            return
        self._encode_waiting(until=tick)
        made = self._pictures.convert(frame)
        made.pts, made.time_base, made.pict_type = tick, Fraction(1, _TICKS), PictureType.NONE
        if self._even_keys and (key := int(at // _KEY_FRAME_SECONDS)) > self._last_key:
            made.pict_type, self._last_key = PictureType.I, key
        self._waiting, self._last_tick = made, tick
        self.pictures += 1

    def _length(self, at: float, frame: VideoFrame) -> float:
        """The seconds that a picture is shown if no other follows."""
        rest = max(self._source.usual_gap, self._source.seconds_of_pictures - self._job.start_seconds - at)
        # Where pictures are stored in another order than they are shown, MP4 has the lengths of other pictures.
        return min(rest, float(frame.duration * (frame.time_base or 0)) or rest)

    def _encode_waiting(self, *, until: int) -> None:
        if self._waiting is not None:
            self._lengths[self._last_tick] = max(1, until - self._last_tick)
            self._mux(self._video.encode(self._waiting))
            self._waiting = None

    def _mux(self, packets: "list[Packet[VideoStream]]") -> None:
        for packet in packets:
            packet.duration = self._lengths.pop(packet.pts or 0, packet.duration)
            self._output.mux(packet)
