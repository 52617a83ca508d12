"""What an audit tells."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Breach:
    """Something that must hold and does not: which rule (1, 2 or 3), what it is about, and what is wrong."""

    rule: int
    subject: str
    problem: str


@dataclass(frozen=True)
class Report:
    """What an audit looked at, and what it found.

    `orphans` are the objects in the store that belong to nothing: no breach before a sweep should have removed them.
    """

    generations: int
    objects: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    breaches: list[Breach] = field(default_factory=list)
    seconds: float = 0.0
