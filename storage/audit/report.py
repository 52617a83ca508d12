"""The result of an audit."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Breach:
    """A broken rule."""

    rule: int
    """The number of the rule: 1 to 5."""
    subject: str
    """The generation, customer, account or object that breaks the rule."""
    problem: str
    """The fault in words."""


@dataclass(frozen=True)
class Report:
    """The result of an audit."""

    generations: int
    """The number of checked generations."""
    objects: int = 0
    """The number of checked objects."""
    orphans: int = 0
    """The number of orphans in the store. An orphan is a breach only after a sweep should have removed it."""
    orphan_bytes: int = 0
    """The size of the orphans."""
    breaches: list[Breach] = field(default_factory=list)
    """The breaches."""
    seconds: float = 0.0
    """The duration of the audit."""
