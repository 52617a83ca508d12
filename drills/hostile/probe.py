"""An attack as data."""

from collections.abc import Callable
from dataclasses import dataclass

from drills.hostile.target import Target


@dataclass(frozen=True)
class Probe:
    """One attack."""

    kind: str
    """The door that it attacks: "head", "connection", "body", "redis", "link", "file"."""
    name: str
    """What it sends."""
    attack: Callable[[Target], str]
    """Runs the attack, for some seconds at most. Returns what the attacker saw, in a few words."""
