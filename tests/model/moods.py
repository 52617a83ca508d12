"""How the vendor, its files and our queues behave for the length of one step."""

from dataclasses import dataclass
from enum import StrEnum


class Create(StrEnum):
    """What becomes of a create."""

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
    """What a search by our own reference gives."""

    FINDS = "finds"
    FINDS_NOTHING = "finds nothing"
    UNAVAILABLE = "unavailable"


class Reading(StrEnum):
    """What a reading of the state gives; work that is over stays as it is."""

    SUCCEEDED = "succeeded"
    RUNNING = "running"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"
    UNKNOWN_WORD = "an unknown word"
    WRONG_KEY = "our key is refused"
    BUG = "a bug"


class Stopping(StrEnum):
    """What a request to stop gives."""

    STOPPED = "stopped"
    REQUESTED = "requested"
    IMPOSSIBLE = "impossible"
    UNAVAILABLE = "unavailable"


class File(StrEnum):
    """What a result's link gives."""

    WHOLE = "whole"
    STALE = "the link has expired"
    BROKEN = "the server fails"
    NO_PICTURE = "no picture"


@dataclass(frozen=True)
class Mood:
    """How all parts behave for the length of one step. The default is a good day."""

    create: Create = Create.ACCEPTED
    look_up: LookUp = LookUp.FINDS
    reading: Reading = Reading.SUCCEEDED
    stopping: Stopping = Stopping.STOPPED
    file: File = File.WHOLE
    queues_are_full: bool = False
    joins_stages: bool = True
    """Whether the worker goes on with the next stage."""
