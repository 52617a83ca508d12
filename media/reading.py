"""The facts that a media file gives."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    """The properties of a media file."""

    width: int
    """In pixels, as a player shows the file: upright, and with square pixels."""
    height: int
    """In pixels, as a player shows the file."""
    codec: str
    """FFmpeg's name of the codec's format: "av1", not the name of a decoder."""
    duration_seconds: float | None = None
    """The length of a video. None for an image."""
    frame_rate: float | None = None
    """Frames per second. None for an image, or if the file gives no rate."""
    bit_rate: int | None = None
    """Bits per second. None for an image, or if the file gives no rate."""


@dataclass(frozen=True)
class Poster:
    """A still picture of a file, as a JPEG."""

    content: bytes
    """The bytes."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""


@dataclass(frozen=True)
class Reading:
    """A media file that was read."""

    probe: Probe
    """The properties."""
    poster: Poster | None = None
    """The still picture. None if no picture was made."""
    undecoded: str | None = None
    """The reason why no picture was decoded. None if a picture was decoded."""
