"""The result of a check."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    """Nothing to do."""
    UNCHECKED = "not checked"
    """The check could not run."""
    WARNING = "warning"
    """The system works, and something will go wrong or is unusual."""
    ERROR = "error"
    """A part of the system does not work, or is open to strangers."""


@dataclass(frozen=True)
class Finding:
    """The result of a check."""

    check: str
    """The name of the check."""
    level: Level
    """How bad the finding is."""
    says: str
    """The fact, for people."""
    remedy: str = ""
    """The remedy. Empty where there is nothing to do."""


def ok(check: str, says: str) -> Finding:
    """A finding without trouble."""
    return Finding(check, Level.OK, says)


def unchecked(check: str, reason: str, remedy: str = "") -> Finding:
    """A check that could not run."""
    return Finding(check, Level.UNCHECKED, reason, remedy)


def warning(check: str, says: str, remedy: str) -> Finding:
    """A finding that needs a look."""
    return Finding(check, Level.WARNING, says, remedy)


def error(check: str, says: str, remedy: str) -> Finding:
    """A finding that needs an act."""
    return Finding(check, Level.ERROR, says, remedy)
