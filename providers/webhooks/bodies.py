"""Parses the bodies of callbacks within limits: a stranger can send a callback, and Kie signs an id inside the body."""

import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from schemas.errors import CallbackRefused
from schemas.json_values import count_values, structure

M = TypeVar("M", bound=BaseModel)

# The gateway's limit for a body without files. Replicate's callbacks contain the log of a prediction.
_MOST_BYTES = 1024 * 1024
_MOST_VALUES = 10_000
_MOST_LEVELS = 32

_BRACKET = re.compile(rb"[\[\]{}]")


def parse(body: bytes, form: type[M], what: str, *, most_bytes: int = _MOST_BYTES) -> M:
    """The body, parsed into a model. Counts bytes, values and levels before the parser runs.

    Args:
        what: the meaning of a body of this form, for a message: "a callback of Kie's".

    Raises:
        CallbackRefused: the body exceeds a limit or has another form.
    """
    if len(body) > most_bytes:
        raise CallbackRefused(f"the body has more than {most_bytes} bytes")
    outside = structure(body)
    # The parser needs more time and memory for a million small values than for a text of the same size.
    if count_values(outside) > _MOST_VALUES:
        raise CallbackRefused(f"the body has more than {_MOST_VALUES} values")
    if _levels(outside) > _MOST_LEVELS:
        raise CallbackRefused(f"the body has more than {_MOST_LEVELS} levels")
    try:
        return form.model_validate_json(body)
    except ValidationError:
        raise CallbackRefused(f"the body is not {what}") from None


def _levels(outside: bytes) -> int:
    level, deepest = 0, 0
    for bracket in _BRACKET.findall(outside):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest
