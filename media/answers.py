"""Checks the values that a decoder sends. A hostile file may have taken over the decoder."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from media.reading import Poster, Probe, Reading
from media.variants.recipes import Made
from media.wire import Message, NoMessage
from schemas.media_types import JPEG, sniff

_MOST_EDGE = 2**31 - 1
_Edge = Field(gt=0, le=_MOST_EDGE)


class _Checked(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")


class _Probe(_Checked):
    width: int = _Edge
    height: int = _Edge
    codec: str = Field(max_length=40)
    duration_seconds: float | None
    frame_rate: float | None
    bit_rate: int | None = Field(lt=2**63)


class _Size(_Checked):
    width: int = _Edge
    height: int = _Edge


class _Reading(_Checked):
    reading: _Probe
    undecoded: str | None = Field(max_length=300)
    poster: _Size | None


class _Made(_Checked):
    content_type: str = Field(max_length=100)
    width: int = _Edge
    height: int = _Edge
    codec: str = Field(max_length=40)
    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    duration_seconds: float | None
    frame_rate: float | None
    is_copied: bool
    is_original: bool
    index_type: str | None = Field(max_length=100)


class _MadeAnswer(_Checked):
    made: _Made


class _Measured(_Checked):
    seconds: float


_Answer = TypeVar("_Answer", bound=_Checked)


def probe_of(values: Mapping[str, object]) -> Probe:
    """The facts of a header.

    Raises:
        NoMessage: the values make no sense.
    """
    return Probe(**_checked(_Probe, values).model_dump())


def reading_of(message: Message) -> Reading:
    """What the decoder read.

    Raises:
        NoMessage: the values make no sense.
    """
    answer = _checked(_Reading, message.values)
    still = None
    if answer.poster is not None:
        if sniff(message.content) is not JPEG:
            raise NoMessage("a poster is no JPEG")
        still = Poster(message.content, answer.poster.width, answer.poster.height)
    return Reading(Probe(**answer.reading.model_dump()), still, answer.undecoded)


def made_of(message: Message) -> tuple[Made, str | None]:
    """The facts of a variant, and the text that leads into its file.

    Raises:
        NoMessage: the values make no sense.
    """
    made = Made(**_checked(_MadeAnswer, message.values).made.model_dump())
    if made.index_type is None:
        return made, None
    try:
        return made, message.content.decode()
    except UnicodeDecodeError as error:
        raise NoMessage("an index is no text") from error


def seconds_of(message: Message) -> float:
    """The measured length.

    Raises:
        NoMessage: the values make no sense.
    """
    return _checked(_Measured, message.values).seconds


def _checked(model: type[_Answer], values: Mapping[str, object]) -> _Answer:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise NoMessage("an answer makes no sense") from error
