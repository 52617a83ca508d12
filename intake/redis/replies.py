"""Where answers go: Celery's result backend, or a list or stream that the sender names."""

from dataclasses import dataclass
from typing import Final, Literal

from schemas.plain_messages import Refused, visible

PREFIX: Final = "reelworks:answers:"
"""How the names of lists and streams begin. A sender must not make the door write into a queue or another's list."""


@dataclass(frozen=True)
class Reply:
    """The place of an answer."""

    kind: Literal["celery", "list", "stream", "kept"]
    """Celery's result backend, a list, a stream, or the key `reelworks:answer:ID`."""
    name: str = ""
    """The name of the list or stream."""


CELERY: Final = Reply("celery")
"""The result backend of Celery, under the id of the message."""

KEPT: Final = Reply("kept")
"""The key `reelworks:answer:ID`."""


def reply_to(value: object) -> Reply:
    """The place that a plain envelope names: `{"list": NAME}` or `{"stream": NAME}`. None: the kept answer.

    Raises:
        Refused: the value is another, or the name has another prefix.
    """
    if value is None:
        return KEPT
    if isinstance(value, dict) and len(value) == 1:
        ((kind, name),) = value.items()
        if kind in ("list", "stream") and visible(name) is not None and name.startswith(PREFIX) and name != PREFIX:
            return Reply(kind, name)
    raise Refused(f'reply_to must be {{"list": NAME}} or {{"stream": NAME}}, with a NAME that begins with {PREFIX}')
