"""Variants of results: what a request may ask for, and the words that tables and answers share."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema

from schemas.enums import Kind

MOST: Final = 8
"""The most variants of a result."""
LONGEST_NAME: Final = 40
NAME_PATTERN: Final = "^[a-z][a-z0-9-]{0,39}$"
_LEAST_EDGE: Final = 16
_MOST_EDGE: Final = 4096
_MOST_SECONDS: Final = 3600
LONGEST_PREVIEW_SECONDS: Final = 10


class VariantKind(StrEnum):
    """A kind of variant."""

    WEB = "web"
    """The whole result in a form that every browser plays or shows."""
    PREVIEW = "preview"
    """A short, small, silent animation of a video."""
    SPRITES = "sprites"
    """Small pictures of a video on one sheet, with their times."""
    COPY = "copy"
    """A copy that is smaller, shorter, or both."""
    HLS = "hls"
    """A video in segments."""


class VariantState(StrEnum):
    """How far a variant is."""

    PENDING = "pending"
    """The variant is not made yet."""
    READY = "ready"
    """The files of the variant are stored."""
    FAILED = "failed"
    """The variant will not be made. The result is untouched."""


class VariantOrigin(StrEnum):
    """How a variant comes from its result."""

    ORIGINAL = "original"
    """The result itself is the variant: there is no other file."""
    COPIED = "copied"
    """Another file with the same encoded pictures and sound."""
    ENCODED = "encoded"
    """The pictures and the sound were encoded anew."""


class VariantError(StrEnum):
    """Why a variant failed."""

    NOT_POSSIBLE = "not_possible"
    """The result cannot become this variant: it cannot be decoded, or has no such part."""
    TOO_LARGE = "too_large"
    """The variant needs more memory, time or room than the operator allows."""
    UNAVAILABLE = "unavailable"
    """A service of ours did not answer for too long."""
    RESULT_DELETED = "result_deleted"
    """The result was deleted before the variant was made."""
    INTERNAL = "internal"
    """A fault of ours."""


class FilePart(StrEnum):
    """A file of a variant."""

    MEDIA = "media"
    """The pictures and the sound."""
    INDEX = "index"
    """The text that leads into the media: a playlist of HLS, or the times of sprites."""


HLS_TYPE: Final = "application/vnd.apple.mpegurl"
"""The media type of a playlist of HLS."""
VTT_TYPE: Final = "text/vtt"
"""The media type of the times of sprites."""
INDEX_EXTENSIONS: Final = {HLS_TYPE: "m3u8", VTT_TYPE: "vtt"}
"""The media types of texts that lead into the media of a variant, with the extensions of their files."""
FILE_URI: Final = "{file}"
"""Stands in such a text for the address of the media, which the gateway writes at each request."""

OF_PICTURES: Final = frozenset({VariantKind.WEB, VariantKind.COPY})
"""The kinds of variants that a picture can have."""

_SHAPED: Final = ("width", "height")
_FIELDS: Final[dict[VariantKind, tuple[str, ...]]] = {
    VariantKind.WEB: (),
    VariantKind.PREVIEW: (*_SHAPED, "start_seconds", "seconds"),
    VariantKind.SPRITES: _SHAPED,
    VariantKind.COPY: (*_SHAPED, "fit", "start_seconds", "seconds", "format"),
    VariantKind.HLS: _SHAPED,
}
_OPTIONAL: Final = ("width", "height", "fit", "start_seconds", "seconds", "format")
_OF_VIDEOS: Final = ("start_seconds", "seconds")
_MOST_WIDTH: Final = {VariantKind.PREVIEW: 640, VariantKind.SPRITES: 320}


def _plain_name(name: str) -> str:
    if name and not re.fullmatch(NAME_PATTERN, name):
        raise ValueError("must be lower-case letters, digits and hyphens, and begin with a letter, such as square-480")
    return name


class VariantSpec(BaseModel):
    """One variant of a result."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    kind: VariantKind = Field(
        default=VariantKind.COPY,
        description="`web`: the whole result for every browser; `preview`: a short animated WebP; `sprites`: a sheet "
        "of pictures with WebVTT; `hls`: segments; `copy`: smaller, shorter, or both. Of pictures: `web` and `copy`",
    )
    name: Annotated[str, AfterValidator(_plain_name)] = Field(
        default="",
        description="names it in `content?variant=`; left out: its kind. Lower-case letters, digits and hyphens",
        max_length=LONGEST_NAME,
        json_schema_extra={"pattern": f"^$|{NAME_PATTERN}"},
    )
    width: int | None = Field(
        default=None, description="the most pixels; nothing is enlarged", ge=_LEAST_EDGE, le=_MOST_EDGE
    )
    height: int | None = Field(
        default=None, description="the most pixels; nothing is enlarged", ge=_LEAST_EDGE, le=_MOST_EDGE
    )
    fit: Literal["contain", "cover"] = Field(
        default="contain",
        description="`contain`: the whole picture within width and height; `cover`: both are filled, the rest is cut",
    )
    start_seconds: float = Field(default=0.0, description="where it begins in a video", ge=0, le=_MOST_SECONDS)
    seconds: float | None = Field(
        default=None, description="its most length; left out: to the end of the video", gt=0, le=_MOST_SECONDS
    )
    format: Literal["webp", "jpeg", "png"] | None = Field(
        default=None, description="of a copy of a picture; left out: that of the picture"
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if not self.name:
            object.__setattr__(self, "name", self.kind.value)  # frozen
        if self.name in set(VariantKind) and self.name != self.kind:
            raise ValueError(
                f"{self.name!r} is a kind, and this variant is of the kind {self.kind}: choose another name"
            )
        given = {name for name in _OPTIONAL if getattr(self, name) != type(self).model_fields[name].default}
        if other := sorted(given - set(_FIELDS[self.kind])):
            has = ", ".join(_FIELDS[self.kind]) or "only a name"
            raise ValueError(f"{self.kind} takes no {', '.join(other)}: it takes {has}")
        if self.kind is VariantKind.COPY and not given:
            raise ValueError("a copy needs width, height, start_seconds, seconds or format: `web` is the whole result")
        if self.fit == "cover" and not (self.width and self.height):
            raise ValueError("fit `cover` needs width and height")
        if (self.width or 0) > (most := _MOST_WIDTH.get(self.kind, _MOST_EDGE)):
            raise ValueError(f"the width of {self.kind} is at most {most}")
        if self.kind is VariantKind.PREVIEW and (self.seconds or 0) > LONGEST_PREVIEW_SECONDS:
            raise ValueError(f"a preview has at most {LONGEST_PREVIEW_SECONDS} seconds")
        return self

    def problem_for(self, kind: Kind) -> str | None:
        """Why a result of this kind cannot have the variant. None: it can."""
        if kind is Kind.VIDEO:
            return "format is of pictures: a copy of a video is MP4" if self.format else None
        if self.kind not in OF_PICTURES:
            return f"{self.kind} is of videos: a picture can have {' and '.join(sorted(OF_PICTURES))}"
        if self.start_seconds or self.seconds:
            return "start_seconds and seconds are of videos"
        return None


def _spec_of_word(value: object) -> object:
    """A kind alone stands for its variant with usual settings."""
    return {"kind": value} if isinstance(value, str) else value


class _OrWord:
    """Says in JSON schemas that a word may stand for a variant."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        words = [kind.value for kind in VariantKind if kind is not VariantKind.COPY]
        return {"anyOf": [{"type": "string", "enum": words}, handler(core_schema)]}


VariantWord = Annotated[VariantSpec, BeforeValidator(_spec_of_word), _OrWord()]
"""A variant in a request: an object, or its kind alone."""


def repeated_name(specs: Sequence[VariantSpec]) -> str | None:
    """A name that two variants have. None: each name is unique."""
    names = [spec.name for spec in specs]
    return next((name for name in names if names.count(name) > 1), None)
