"""Encodes sound as AAC, in step with the times of its source."""

from fractions import Fraction

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer

_RATE = 48_000
_BITS = 128_000
# Times in files are rounded. A larger difference is a gap, or sound of a time that has been played.
_IN_STEP_SECONDS = 0.02
_BYTES_OF_SAMPLE = 4
_FORMAT = "fltp"


class SoundEncoder:
    """Encodes the sound of one stream into a container. Silence fills gaps: players play one sample after another."""

    def __init__(self, output: OutputContainer, source: AudioStream) -> None:
        """Add the stream."""
        self._output = output
        self._layout = "mono" if source.codec_context.channels == 1 else "stereo"
        self._stream = output.add_stream("aac", rate=_RATE)
        self._stream.codec_context.layout = self._layout
        self._stream.codec_context.bit_rate = _BITS
        self._shape: tuple[str, str, int] | None = None
        self._resampler = AudioResampler(_FORMAT, self._layout, _RATE)
        self._clock: float | None = None
        """The end of the sound so far in the source, in seconds."""
        self._samples = 0
        """The end of the sound so far in the new file, in samples."""
        self._skipped = 0
        """The number of next samples that have been played."""

    def add(self, at: float, frame: AudioFrame) -> None:
        """Encode a sound.

        Args:
            at: the time of the sound, in seconds.
        """
        if self._clock is None:
            self._clock, self._samples = at, round(at * _RATE)
        late = at - self._clock
        end = at + frame.samples / frame.sample_rate
        if end <= self._clock - _IN_STEP_SECONDS:
            return
        shape = frame.format.name, frame.layout.name, frame.sample_rate
        if shape != self._shape or abs(late) > _IN_STEP_SECONDS:
            self._drain()
            self._shape = shape
        if late > _IN_STEP_SECONDS:
            self._be_silent(until=round(at * _RATE))
        elif late < -_IN_STEP_SECONDS:
            self._skipped = self._samples - round(at * _RATE)
        self._clock = end if abs(late) > _IN_STEP_SECONDS else end - late
        frame.pts = None
        for sound in self._resampler.resample(frame):
            self._encode(sound)

    def finish(self) -> None:
        """Encode the rest."""
        self._drain()
        self._output.mux(self._stream.encode(None))

    def _drain(self) -> None:
        """Encode the samples that the resampler holds, and begin with a new one."""
        if self._shape is not None:
            for sound in self._resampler.resample(None):
                self._encode(sound)
        self._resampler = AudioResampler(_FORMAT, self._layout, _RATE)

    def _be_silent(self, *, until: int) -> None:
        while self._samples < until:
            count = min(_RATE, until - self._samples)
            self._encode(self._frame([bytes(count * _BYTES_OF_SAMPLE)] * self._channels, count))

    def _encode(self, sound: AudioFrame) -> None:
        skipped = min(sound.samples, max(0, self._skipped))
        self._skipped -= skipped
        count = sound.samples - skipped
        if not count:
            return
        if skipped:
            first, end = skipped * _BYTES_OF_SAMPLE, sound.samples * _BYTES_OF_SAMPLE
            sound = self._frame([bytes(plane)[first:end] for plane in sound.planes], count)
        sound.pts, sound.time_base = self._samples, Fraction(1, _RATE)
        self._samples += count
        self._output.mux(self._stream.encode(sound))

    @property
    def _channels(self) -> int:
        return 1 if self._layout == "mono" else 2

    def _frame(self, planes: list[bytes], count: int) -> AudioFrame:
        frame = AudioFrame(_FORMAT, self._layout, count)
        frame.sample_rate = _RATE
        for plane, content in zip(frame.planes, planes, strict=True):
            plane.update(content)
        return frame
