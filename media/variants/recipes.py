"""What a variant is made of, and what was made. Both sides of the wire know these types."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.variants import FILE_URI as FILE_URI


class Recipe(StrEnum):
    """A kind of variant."""

    WEB = "web"
    """The whole result in a form that every browser plays or shows."""
    PREVIEW = "preview"
    """A short, small, silent animation."""
    SPRITES = "sprites"
    """A sheet of small pictures, with the times of a video that they show."""
    COPY = "copy"
    """A copy that is smaller, shorter, or both."""
    HLS = "hls"
    """A stream of segments."""


@dataclass(frozen=True)
class Job:
    """One variant to make."""

    recipe: str
    """The kind: a value of `Recipe`."""
    kind: str
    """The kind of the result: a value of `schemas.enums.Kind`."""
    width: int | None = None
    """The most width in pixels. Of a sprite sheet: the width of one picture. None: that of the result."""
    height: int | None = None
    """The most height in pixels. None: by the shape of the result."""
    fit: str = "contain"
    """`contain`: the whole picture, within width and height. `cover`: both are filled, the rest is cut off."""
    start_seconds: float = 0.0
    """Where the variant begins in a video."""
    seconds: float | None = None
    """The most length of a video. None: to its end."""
    format: str | None = None
    """The file format of a picture: webp, jpeg or png. None: that of the result where browsers show it, else webp."""
    threads: int = 1
    """The threads of a decoder, and of an encoder."""


@dataclass(frozen=True)
class Made:
    """A finished variant. Its main bytes are in the output file."""

    content_type: str
    """The media type of the output file."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""
    codec: str
    """FFmpeg's name of the codec."""
    size_bytes: int
    """The length of the output file."""
    sha256: str
    """The hash of the output file, in lower-case hex."""
    duration_seconds: float | None = None
    """The length of a video or an animation. None for a picture."""
    frame_rate: float | None = None
    """Frames per second. None for a picture, or if no rate is known."""
    is_copied: bool = False
    """Whether the encoded pictures and sounds are those of the result, in another file."""
    is_original: bool = False
    """Whether the result itself is the variant. The output file is empty."""
    index_type: str | None = None
    """The media type of the text that leads into the output file: a playlist, or times of pictures. None: no text."""
