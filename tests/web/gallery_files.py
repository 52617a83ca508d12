"""Makes a few pictures and videos, as the sandbox makes them, and posters of the videos, as the workers make them."""

import hashlib
import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from media.reader import read
from media.reading import Poster
from sandbox.media import Format, MediaSpec, write_media
from schemas.enums import Kind
from schemas.media_types import JPEG, MP4, MediaType

_SHAPES = {"16:9": (640, 360), "1:1": (512, 512), "9:16": (360, 640), "4:3": (640, 480)}
_COLOURS = 4
_SECONDS, _FRAME_RATE = 3, 8


@dataclass(frozen=True)
class SampleFile:
    """The bytes of a file, and what its row says about the file."""

    body: bytes
    """The bytes."""
    media: MediaType
    """The format."""
    facts: tuple[object, ...]
    """The columns of its row: `FACTS`."""


FACTS = ("content_type", "size_bytes", "sha256", "width", "height", "codec", "duration_seconds", "frame_rate")


@dataclass(frozen=True)
class Sample:
    """A result, and the poster of a video."""

    kind: Kind
    """Picture or video."""
    aspect_ratio: str
    """Width to height."""
    result: SampleFile
    """The result."""
    poster: SampleFile | None
    """The poster. None: the result is a picture that every browser shows."""


def samples() -> Sequence[Sample]:
    """Pictures and videos in every shape, in a few colours each."""
    with TemporaryDirectory() as folder:
        return [
            _sample(Path(folder), kind, shape, colour)
            for colour in range(_COLOURS)
            for kind in Kind
            for shape in _SHAPES
        ]


def _sample(folder: Path, kind: Kind, shape: str, colour: int) -> Sample:
    width, height = _SHAPES[shape]
    media = JPEG if kind is Kind.IMAGE else MP4
    form: Format = "jpg" if kind is Kind.IMAGE else "mp4"
    seconds, rate = (_SECONDS, _FRAME_RATE) if kind is Kind.VIDEO else (0, 0)
    path = folder / f"sample.{media.extension}"
    spec = MediaSpec(format=form, width=width, height=height, duration_seconds=seconds, frame_rate=rate)
    write_media(path, spec, seed=f"{shape} {colour}", source=None, cancelled=threading.Event())
    body = path.read_bytes()
    reading = read(io.BytesIO(body), media, kind)
    probe = reading.probe
    told = (probe.width, probe.height, probe.codec, probe.duration_seconds, probe.frame_rate)
    return Sample(kind, shape, _file(body, media, told), _still(reading.poster) if reading.poster else None)


def _still(poster: Poster) -> SampleFile:
    return _file(poster.content, JPEG, (poster.width, poster.height, JPEG.codec, None, None))


def _file(body: bytes, media: MediaType, told: tuple[object, ...]) -> SampleFile:
    return SampleFile(body, media, (media.content_type, len(body), hashlib.sha256(body).hexdigest(), *told))
