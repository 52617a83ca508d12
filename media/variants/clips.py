"""Encodes pictures and sound as H.264 and AAC, which every browser plays."""

from collections.abc import Mapping
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from media.variants.filters import Pictures
from media.variants.recipes import Job
from media.variants.sizes import Placed, place
from media.variants.sources import Source
from schemas.errors import ResultInvalid

# Times of pictures in the new file. 90 kHz holds every usual rate of frames.
_TICKS = 90_000
_USUAL_RATE = 25
_HIGHEST_RATE = 60
_KEY_FRAME_SECONDS = 2
_AUDIO_RATE = 48_000
_AUDIO_BITS = 128_000
_QUALITY = 21
_PRESET = "veryfast"


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
        self.rate = min(source.rate or _USUAL_RATE, _HIGHEST_RATE)
        self._video = self._video_stream()
        self._audio = None if source.audio is None else self._audio_stream(source.audio)
        self._resampler = AudioResampler("fltp", "mono" if self._is_mono() else "stereo", _AUDIO_RATE)
        self._last_tick = -1
        self._last_key = -1
        self._samples: int | None = None
        self.pictures = 0
        """The number of encoded pictures."""
        self.end = 0.0
        """The time after the last picture, in seconds."""

    def run(self) -> None:
        """Encode the part.

        Raises:
            ResultInvalid: the part has no picture.
        """
        for at, frame in self._source.frames(self._job.start_seconds, self._job.seconds):
            if isinstance(frame, VideoFrame):
                self._picture(at, frame)
            elif self._audio is not None:
                self._sound(at, frame)
        if not self.pictures:
            length = f"the video has {self._source.duration:.2f} s"
            raise ResultInvalid(f"there is no picture after {self._job.start_seconds:g} s: {length}")
        self._output.mux(self._video.encode(None))
        if self._audio is not None:
            for sound in self._resampler.resample(None):
                self._encode_sound(sound)
            self._output.mux(self._audio.encode(None))

    def _video_stream(self) -> VideoStream:
        width, height = self.placed.cut
        options: Mapping[str, str] = {
            "preset": _PRESET,
            "crf": str(_QUALITY),
            "profile": "high",
            "threads": str(self._job.threads),
        }
        rate = Fraction(self.rate).limit_denominator(1001)
        stream = self._output.add_stream("libx264", rate=rate, options=dict(options), width=width, height=height)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        stream.codec_context.gop_size = max(1, round(self.rate * _KEY_FRAME_SECONDS))
        return stream

    def _audio_stream(self, sound: AudioStream) -> AudioStream:
        del sound
        stream = self._output.add_stream("aac", rate=_AUDIO_RATE)
        stream.codec_context.layout = "mono" if self._is_mono() else "stereo"
        stream.codec_context.bit_rate = _AUDIO_BITS
        return stream

    def _is_mono(self) -> bool:
        return self._source.audio is not None and self._source.audio.codec_context.channels == 1

    def _picture(self, at: float, frame: VideoFrame) -> None:
        tick = round(at * _TICKS)
        # Faster pictures than the highest rate, and pictures of the same time, are left out.
        if self._last_tick >= 0 and tick - self._last_tick < _TICKS / self.rate * _LEAST_GAP:
            return
        made = self._pictures.convert(frame)
        made.pts, made.time_base, made.pict_type = tick, Fraction(1, _TICKS), PictureType.NONE
        if self._even_keys and (key := int(at // _KEY_FRAME_SECONDS)) > self._last_key:
            made.pict_type, self._last_key = PictureType.I, key
        self._last_tick = tick
        self.pictures += 1
        self.end = at + 1 / self.rate
        self._output.mux(self._video.encode(made))

    def _sound(self, at: float, frame: AudioFrame) -> None:
        if self._samples is None:
            self._samples = round(at * _AUDIO_RATE)
        frame.pts = None
        for sound in self._resampler.resample(frame):
            self._encode_sound(sound)

    def _encode_sound(self, sound: AudioFrame) -> None:
        if self._audio is None or not sound.samples:
            return
        sound.pts, sound.time_base = self._samples, Fraction(1, _AUDIO_RATE)
        self._samples = (self._samples or 0) + sound.samples
        self._output.mux(self._audio.encode(sound))


# Times in files are rounded, so a gap may be shorter than a frame.
_LEAST_GAP = 0.6
