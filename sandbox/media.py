"""Makes the file that a task delivers: a marked image, or a marked video with or without sound."""

import struct
import threading
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import av

from sandbox.frames import Footage, frames
from sandbox.scenarios import Delivered
from sandbox.video import write_video

COMMENT = "Made by the Reelworks sandbox; no model was asked for it."

Format = Literal["png", "jpg", "mp4"]
MEDIA_TYPES: dict[Format, str] = {"png": "image/png", "jpg": "image/jpeg", "mp4": "video/mp4"}
# ISO/IEC 14496-12: a box size of 1 means that a 64-bit size follows the type. The size includes the header.
_FREE_BOX = struct.Struct(">I4sQ")
# The encoder and the pixel format of each image format.
_IMAGE_ENCODERS = {"png": ("png", "rgb24"), "jpg": ("mjpeg", "yuvj420p")}


@dataclass(frozen=True, kw_only=True)
class MediaSpec:
    """Describes the file that a task delivers."""

    format: Format
    """The file's format."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    duration_seconds: float = 0
    """The length of a video; 0 for an image."""
    frame_rate: float = 0
    """Frames a second; 0 for an image."""
    sound: bool = False
    """Whether a video has a sound track."""
    size_bytes: int = 0
    """The size to pad a video to; 0 leaves the encoder's output as it is."""

    def changed(self, delivered: Delivered) -> "MediaSpec":
        """The same file with the scenario's changes."""
        return MediaSpec(
            format=self.format,
            width=delivered.width or self.width,
            height=delivered.height or self.height,
            duration_seconds=delivered.duration_seconds or self.duration_seconds,
            frame_rate=delivered.frame_rate or self.frame_rate,
            sound=self.sound,
            size_bytes=delivered.size_bytes or self.size_bytes,
        )


def write_media(path: Path, spec: MediaSpec, *, seed: str, source: Path | None, cancelled: threading.Event) -> None:
    """Write the file. The seed chooses the colours; a source image gives the first frame.

    Raises `UnreadableImage` for a bad source image, and `Cancelled` soon after the event is set.
    """
    if spec.format != "mp4":
        path.write_bytes(_image(spec, seed=seed, source=source))
        return
    rate = Fraction(spec.frame_rate).limit_denominator(1001)
    footage = Footage(
        width=spec.width,
        height=spec.height,
        frame_rate=rate,
        count=max(1, round(spec.duration_seconds * rate)),
        seed=seed,
        source=source,
    )
    write_video(path, footage, sound=spec.sound, comment=COMMENT, cancelled=cancelled)
    _pad(path, spec.size_bytes)


def _pad(path: Path, size_bytes: int) -> None:
    """Append a box that players skip. Its zeros take no disk space."""
    missing = size_bytes - path.stat().st_size
    if missing < _FREE_BOX.size:
        return
    with path.open("ab") as file:
        file.write(_FREE_BOX.pack(1, b"free", missing))
        file.truncate(size_bytes)


def _image(spec: MediaSpec, *, seed: str, source: Path | None) -> bytes:
    footage = Footage(width=spec.width, height=spec.height, frame_rate=Fraction(1), count=1, seed=seed, source=source)
    name, pixel_format = _IMAGE_ENCODERS[spec.format]
    (frame,) = frames(footage, pixel_format)
    encoder = cast("av.VideoCodecContext", av.CodecContext.create(name, "w"))
    encoder.width, encoder.height, encoder.pix_fmt = spec.width, spec.height, pixel_format
    encoder.time_base = Fraction(1)
    encoded = b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
    return _commented_png(encoded) if spec.format == "png" else _commented_jpeg(encoded)


def _commented_png(image: bytes) -> bytes:
    """Insert a `tEXt` chunk after the header chunk, which ends at byte 33."""
    chunk = b"tEXt" + b"Comment\0" + COMMENT.encode("latin-1")
    crc = struct.pack(">I", zlib.crc32(chunk))
    return image[:33] + struct.pack(">I", len(chunk) - 4) + chunk + crc + image[33:]


def _commented_jpeg(image: bytes) -> bytes:
    """Insert a COM segment after the start marker. The segment's length includes its own two bytes."""
    text = COMMENT.encode()
    return image[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + image[2:]
