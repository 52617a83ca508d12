"""The console format of logs: one short line for each event, for people who watch a terminal."""

import re

from structlog.dev import (
    BLUE,
    BRIGHT,
    CYAN,
    DIM,
    MAGENTA,
    RESET_ALL,
    Column,
    ConsoleRenderer,
    KeyValueColumnFormatter,
    LogLevelColumnFormatter,
    plain_traceback,
)
from structlog.typing import EventDict

from schemas.text import visible

# UUIDs, and the 32 hexadecimal digits of request ids and of some vendors' ids. The first eight digits distinguish them.
_LONG_ID = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24})\b")

# The event names the step.
_LEFT_OUT = ("task",)

_MULTILINE = frozenset({"exception", "frames"})


def console_renderer(*, colors: bool) -> ConsoleRenderer:
    """Renders time, level, event and fields. The level of ordinary lines is omitted."""
    key, value, bold, dim, reset = (CYAN, MAGENTA, BRIGHT, DIM, RESET_ALL) if colors else ("",) * 5
    levels = ConsoleRenderer.get_default_level_styles(colors=colors)
    return ConsoleRenderer(
        columns=[
            Column("timestamp", KeyValueColumnFormatter(None, dim, reset, str)),
            Column("level", LogLevelColumnFormatter(levels, reset, width=0)),
            Column("event", KeyValueColumnFormatter(None, bold, reset, str)),
            Column(
                "logger", KeyValueColumnFormatter(None, BLUE if colors else "", reset, str, prefix="[", postfix="]")
            ),
            Column("", KeyValueColumnFormatter(key, value, reset, str)),
        ],
        exception_formatter=plain_traceback,
    )


def shortened(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Shorten a line: drop absent values and our module names, and cut long ids.

    JSON lines keep everything.
    """
    if event.get("_from_structlog"):
        event.pop("logger", None)  # our events have unique names; a library's text needs the library's name
    event["event"] = visible(" ".join(str(event["event"]).split()))  # a library's text may have several lines
    if event.get("level") == "info":
        del event["level"]
    for name in [name for name, value in event.items() if value is None or name in _LEFT_OUT]:
        del event[name]
    for name, value in event.items():
        if isinstance(value, str) and name not in _MULTILINE and not name.startswith("_"):
            # A stranger chooses the path of a request. A terminal obeys control characters.
            event[name] = visible(_LONG_ID.sub(r"\1", value))
    return event
