"""The lists of generations that operators watch."""

from enum import StrEnum


class View(StrEnum):
    """A list of generations."""

    UNFINISHED = "unfinished"
    """All that are unfinished, the oldest first."""
    STUCK = "stuck"
    """Unfinished, without progress for longer than usual, or due without a worker that takes them."""
    FAILED = "failed"
    """Failed in the last hour, the newest first."""
    UNKNOWN = "unknown"
    """A create left, and its outcome is or was unknown: unfinished, or failed in the last hour."""
    WEBHOOKS = "webhooks"
    """Messages about them do not arrive: the endpoint fails or is paused, or they were given up in the last hour."""
    ENDED = "ended"
    """Ended in any way, the newest first."""
