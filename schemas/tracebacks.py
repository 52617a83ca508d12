"""Writes tracebacks for logs: the frames, and of each error the type and the first line of its message.

The other lines of messages quote data: PostgreSQL quotes rows, pydantic quotes inputs, SQLAlchemy quotes statements.
"""

from collections.abc import Iterator
from traceback import TracebackException
from types import TracebackType
from typing import Final

_LONGEST_MESSAGE: Final = 300
_MOST_ERRORS: Final = 10

_CAUSED: Final = "\nThe above exception was the direct cause of the following exception:\n\n"
_DURING: Final = "\nDuring handling of the above exception, another exception occurred:\n\n"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def traceback_of(exc_info: ExcInfo) -> str:
    """The traceback of an error, with the errors that caused it."""
    return "".join(_parts(TracebackException(*exc_info, max_group_width=_MOST_ERRORS))).rstrip("\n")


def _parts(error: TracebackException, *, depth: int = 0) -> Iterator[str]:
    before, joint = error.__cause__, _CAUSED
    if before is None and not error.__suppress_context__:
        before, joint = error.__context__, _DURING
    if before is not None and depth < _MOST_ERRORS:
        yield from _parts(before, depth=depth + 1)
        yield joint
    if error.stack:
        yield "Traceback (most recent call last):\n"
        yield from error.stack.format()
    yield f"{_headline(error)}\n"
    for each in (error.exceptions or ())[:_MOST_ERRORS] if depth < _MOST_ERRORS else ():
        yield "\nIn this group:\n\n"
        yield from _parts(each, depth=depth + 1)


def _headline(error: TracebackException) -> str:
    kind = getattr(error.exc_type, "__qualname__", "an unknown error")
    message = str(error).partition("\n")[0][:_LONGEST_MESSAGE]
    return f"{kind}: {message}" if message else kind
