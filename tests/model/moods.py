"""The behaviour of the vendor, its files and our queues during one step."""

from dataclasses import dataclass
from enum import StrEnum


class Create(StrEnum):
    """The fate of a create."""

    ACCEPTED = "accepted"
    REPLY_LOST = "accepted, and the reply is lost"
    LOST = "lost on the way"
    BUG_BEFORE = "a bug before it leaves"
    BUG_AFTER = "accepted, and a bug reads the reply"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate limited"
    REJECTED = "rejected"
    EMPTY_ACCOUNT = "our account is empty"
    WRONG_KEY = "our key is refused"


class LookUp(StrEnum):
    """The answer to a search by our own reference."""

    FINDS = "finds"
    FINDS_NOTHING = "finds nothing"
    UNAVAILABLE = "unavailable"


class Reading(StrEnum):
    """The answer to a status read. Finished work stays finished."""

    SUCCEEDED = "succeeded"
    RUNNING = "running"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    UNAVAILABLE = "unavailable"
    UNKNOWN_WORD = "an unknown word"
    OTHER_WORK = "about other work"
    WRONG_KEY = "our key is refused"
    BUG = "a bug"


class Stopping(StrEnum):
    """The answer to a cancel."""

    STOPPED = "stopped"
    REQUESTED = "requested"
    IMPOSSIBLE = "impossible"
    UNAVAILABLE = "unavailable"


class File(StrEnum):
    """The answer of a result's link."""

    WHOLE = "whole"
    STALE = "the link has expired"
    BROKEN = "the server fails"
    NO_PICTURE = "no picture"
    CUT = "the picture is cut"


@dataclass(frozen=True)
class Mood:
    """The behaviour of all parts during one step. The default has no trouble."""

    create: Create = Create.ACCEPTED
    """The fate of a create."""
    look_up: LookUp = LookUp.FINDS
    """The answer to a search by our reference."""
    reading: Reading = Reading.SUCCEEDED
    """The answer to a status read."""
    stopping: Stopping = Stopping.STOPPED
    """The answer to a cancel."""
    file: File = File.WHOLE
    """The answer of a result's link."""
    queues_are_full: bool = False
    """Whether the queues take no message."""
    joins_stages: bool = True
    """Whether the worker continues with the next stage."""
