"""Makes variants of files of a test, in a process of the decoder, and reads them as a player does."""

import io
import math
import tempfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, cast

import av
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from media import decoder
from media.decoder import Limits
from media.variants.recipes import Job, Made
from schemas.enums import Kind
from schemas.media_types import MKV, MOV, MP4, MediaType

SOUND_RATE = 48_000
_TICKS = 90_000
_FORMS = {MP4: "mp4", MOV: "mov", MKV: "matroska"}
_GREY = ((128, 128), (128, 128))
_LOUD = 0.1
_SHORTEST_SILENCE = 0.06
_LIMITS = Limits(1536 * 1024**2, 120)


@dataclass(frozen=True)
class Variant:
    """A finished variant."""

    facts: Made
    """What the decoder tells."""
    content: bytes
    """The output file."""
    index: str | None
    """The text that leads into the output file."""


@dataclass(frozen=True)
class Played:
    """What a player shows and plays, in seconds from the first picture."""

    pictures: list[float]
    """The times of the pictures."""
    end: float
    """The end of the last picture."""
    loud: list[tuple[float, float]]
    """The parts with sound that is no silence."""


def make(content: bytes, media: MediaType, recipe: str, kind: Kind = Kind.VIDEO, **settings: object) -> Variant:
    """Make a variant."""
    job = Job(recipe=recipe, kind=kind, **settings)  # type: ignore[arg-type]  # the fields of a job
    with tempfile.TemporaryFile() as output:
        made, index = decoder.make(
            io.BytesIO(content), media, job, _LIMITS,
            size_bytes=len(content), output=cast("BinaryIO", output), output_bytes=256 * 1024**2,
        )  # fmt: skip
        output.seek(0)
        return Variant(made, output.read(), index)


def written(
    times: Sequence[float], sound: Sequence[tuple[float, float]] = (), *, media: MediaType = MP4,
    codec: str = "libx264", size: tuple[int, int] = (64, 48), last: float = 0.04, sound_codec: str = "aac",
    muxer: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None,
) -> bytes:  # fmt: skip
    """A video with pictures at these times. The left half of a picture has its number as brightness.

    Args:
        sound: the parts with a tone, each from one time to another. The file has no packets of sound between them.
        last: the seconds of the last picture.
        options: options of the encoder of pictures.
    """
    with tempfile.TemporaryDirectory() as folder:
        # A file with a name: for some options the muxer reads its own output.
        path = Path(folder) / "video"
        with av.open(str(path), "w", format=_FORMS[media], options=dict(muxer or {})) as container:
            video = container.add_stream(codec, rate=60, width=size[0], height=size[1], options=dict(options or {}))
            assert isinstance(video, VideoStream)
            video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, _TICKS)
            packets: list[Packet[VideoStream] | Packet[AudioStream]] = []
            audio = container.add_stream(sound_codec, rate=SOUND_RATE, layout="mono") if sound else None
            if audio is not None:
                assert isinstance(audio, AudioStream)
                packets += _tones(audio, sound)
            packets += _pictures(video, times, last)
            for packet in sorted(packets, key=lambda each: float((each.dts or 0) * each.time_base)):
                container.mux(packet)
        return path.read_bytes()


def _pictures(video: VideoStream, times: Sequence[float], last: float) -> "Iterator[Packet[VideoStream]]":
    ends = [*times[1:], times[-1] + last]
    lengths = {round(at * _TICKS): round((end - at) * _TICKS) for at, end in zip(times, ends, strict=True)}
    for number, at in enumerate(times):
        frame = av.VideoFrame(video.width, video.height, "yuv420p")
        for plane, (left, right) in zip(
            frame.planes, ((16 + number % 200, 16 + number * 97 % 200), *_GREY), strict=True
        ):
            half = plane.line_size // 2
            plane.update((bytes([left]) * half + bytes([right]) * (plane.line_size - half)) * plane.height)
        frame.pts, frame.time_base = round(at * _TICKS), Fraction(1, _TICKS)
        yield from _with_lengths(video.encode(frame), lengths)
    yield from _with_lengths(video.encode(None), lengths)


def _with_lengths(packets: "list[Packet[VideoStream]]", lengths: Mapping[int, int]) -> "list[Packet[VideoStream]]":
    for packet in packets:
        packet.duration = lengths[packet.pts or 0]
    return packets


def _tones(audio: AudioStream, parts: Sequence[tuple[float, float]]) -> "Iterator[Packet[AudioStream]]":
    size, rate = 960, SOUND_RATE
    period = rate // 500
    wave = array("f", [0.5 * math.sin(2 * math.pi * each / period) for each in range(period)]) * (size // period)
    frames = [*range(0, round(parts[-1][1] * rate), size), None]
    for start in frames:
        frame = None
        if start is not None:
            frame = av.AudioFrame("fltp", "mono", size)
            frame.planes[0].update(wave.tobytes())
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        for packet in audio.encode(frame):
            at = float((packet.pts or 0) * packet.time_base)
            if any(begin - 0.03 < at < end for begin, end in parts):
                yield packet


def played(content: bytes) -> Played:
    """Play an MP4."""
    with av.open(io.BytesIO(content), "r", format="mov") as container:
        frames = list(container.decode(video=0))
        times = [_at(frame) for frame in frames]
        end = times[-1] + float(frames[-1].duration * (frames[-1].time_base or 0))
    loud: list[tuple[float, float]] = []
    with av.open(io.BytesIO(content), "r", format="mov") as container:
        for sound in container.decode(audio=0) if container.streams.audio else ():
            samples = array("f", bytes(sound.planes[0])[: sound.samples * 4])
            at = _at(sound) - times[0]
            if max(samples) > _LOUD:
                begin = loud.pop()[0] if loud and at - loud[-1][1] < _SHORTEST_SILENCE else at
                loud.append((begin, at + sound.samples / sound.sample_rate))
    return Played([each - times[0] for each in times], end - times[0], loud)


def _at(frame: av.VideoFrame | av.AudioFrame) -> float:
    assert frame.pts is not None
    assert frame.time_base is not None
    return float(frame.pts * frame.time_base)
