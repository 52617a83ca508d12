"""Checks the messages beside those of our queues: commands of remote control, and the answers and events of workers.

Every client that may publish in Redis reaches every worker by a command, and Flower by an event. As with `envelopes`,
Celery sees each message anew, with the parts that it may have.
"""

from collections.abc import Callable, Mapping
from typing import Final

from schemas.json_values import MOST_VALUES
from schemas.plain_messages import Refused, Unreadable, content, mapping, parsed_object, plain_message, visible

COMMANDS: Final = "celery.pidbox"
"""The exchange of remote control's commands."""

_ANSWERS = "reply.celery.pidbox"
_HIGHEST_CLOCK = 2**53
# A worker sends hundreds of events at once, and shows all its tasks in one answer.
_MOST_REPORTED = 500_000


def checked_command(raw: bytes) -> dict[str, object]:
    """The command to give to Celery.

    Raises:
        Unreadable: the command is to be discarded.
    """
    message, body = _read(raw, MOST_VALUES)
    if not isinstance(body, dict) or not all(is_valid(body.get(name)) for name, is_valid in _FIELDS.items()):
        raise Unreadable("the message is no command of remote control")
    return _message(message, {name: body[name] for name in _FIELDS if body.get(name) is not None})


def checked_report(raw: bytes) -> dict[str, object]:
    """The answer or the event to give to Celery.

    Raises:
        Unreadable: the message is to be discarded.
    """
    return _message(*_read(raw, _MOST_REPORTED))


def _read(raw: bytes, most_values: int) -> tuple[dict[str, object], object]:
    message = parsed_object(raw)
    try:
        return message, content(message, most_values=most_values)
    except Refused as refused:
        raise Unreadable(str(refused)) from None


def _message(message: Mapping[str, object], body: object) -> dict[str, object]:
    headers = mapping(message.get("headers"))
    kept = {name: visible(headers.get(name)) for name in ("ticket", "hostname")}
    clock = headers.get("clock")
    is_clock = isinstance(clock, int) and not isinstance(clock, bool) and 0 <= clock < _HIGHEST_CLOCK
    delivery = mapping(mapping(message.get("properties")).get("delivery_info"))
    return plain_message(
        body,
        {**{name: text for name, text in kept.items() if text is not None}, "clock": clock if is_clock else 0},
        {},
        routing_key=visible(delivery.get("routing_key")) or "",
    )


def _is_text(value: object) -> bool:
    return value is None or visible(value) is not None


def _is_address(value: object) -> bool:
    """A worker writes its answer to the given queue, so the exchange must be that of the answers."""
    parts = mapping(value)
    return value is None or (parts.get("exchange") == _ANSWERS and visible(parts.get("routing_key")) is not None)


_FIELDS: Final[Mapping[str, Callable[[object], bool]]] = {
    "method": lambda value: visible(value) is not None,
    "arguments": lambda value: value is None or isinstance(value, dict),
    "destination": lambda value: value is None or (isinstance(value, list) and all(map(visible, value))),
    "pattern": _is_text,
    # A regular expression of a stranger's can take hours.
    "matcher": lambda value: value in (None, "glob"),
    "ticket": _is_text,
    "reply_to": _is_address,
}
"""The fields of a command, and the values that each may have."""
