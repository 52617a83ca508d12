"""The names of the door's lists and keys in Redis."""

from typing import Final

from schemas.enums import Queue

OWN: Final = "reelworks:"
"""How the names of lists and keys begin that clients of Celery do not know."""

PRIORITIES: Final = range(10)
"""Celery's priorities. The default is 0, which is served first. Another one is in the name of its list."""

_SEPARATOR: Final = "\x06\x16"


def of_priority(name: str, priority: int) -> str:
    """The list in which Celery's clients put messages of a priority."""
    return f"{name}{_SEPARATOR}{priority}" if priority else name


REQUESTS: Final = Queue.REQUESTS.value
"""The list of requests. Senders push to the left, and the door takes from the right."""

REQUEST_LISTS: Final = tuple(of_priority(REQUESTS, priority) for priority in PRIORITIES)
"""Every list of requests, in the order in which the door empties them."""

WRONG_TYPE: Final = "WRONGTYPE"
"""How Redis refuses a command on a key of another type."""

TAKEN: Final = "reelworks:door:taken:"
"""Followed by a taker: the list with the message that the taker serves."""

ALIVE: Final = "reelworks:door:alive:"
"""Followed by a taker: exists while the taker's process lives."""

TAKERS: Final = "reelworks:door:takers"
"""A hash: for each taker, the number of the message that it took last, and the priority of its list."""

COUNT: Final = "reelworks:door:count"
"""The number of messages that were ever taken."""

DEATHS: Final = "reelworks:door:deaths"
"""A hash: how often a taker died while it had a message, by the SHA-1 of the message."""

WAITING: Final = "reelworks:door:waiting:"
"""Followed by the SHA-1 of a message: the time at which the message first let others pass for the object store."""

DEAD: Final = "reelworks:door:dead"
"""The list of messages that cannot be read, the newest first."""

ANSWER: Final = "reelworks:answer:"
"""Followed by the id of a message that names no place: its answer. Each sender may read these keys."""

ANSWERED: Final = "reelworks:door:answered:"
"""Followed by the id of a message that was not refused: the digest of the request, and its answer."""

DEAD_COUNT: Final = "reelworks:door:dead:count"
"""The number of messages that ever went to that list."""
