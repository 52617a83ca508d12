"""An attack as data: what it sends, and the answers that keep within the system's bounds."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from drills.hostile.target import Target


@dataclass(frozen=True)
class Probe:
    """One attack."""

    kind: str
    """The door that it attacks: "head", "connection", "body", "redis", "link", …"""
    name: str
    """What it sends."""
    attack: Callable[[Target], str]
    """Runs the attack, for some seconds at most. Returns what the attacker saw, in a few words."""
    allowed: str
    """A regular expression of the answers within the bounds. Most bounds are statuses, counts and sizes."""
    is_short: bool = False
    """Whether `make test` runs the attack, too. Such an attack takes a second at most."""

    @property
    def title(self) -> str:
        """The door and the name."""
        return f"{self.kind}: {self.name}"

    def breach(self, answer: str) -> str | None:
        """The broken bound. None: the answer keeps within the bounds."""
        return None if re.fullmatch(self.allowed, answer) else f"{answer}: not {self.allowed}"
