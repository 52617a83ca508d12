"""A generation as operators watch it: its stage, its times, and the reason why it waits. No prompts and no links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from schemas.enums import Stage
from schemas.limits import Place
from schemas.names import ProviderName
from schemas.stages import TERMINAL
from storage.sql import IS_FREE, Sql, returns

MOST: int = 200
"""The most rows of a list."""

_DUE_SECONDS = 5.0
"""A shorter delay of a due generation is usual: the waker looks every second."""


@dataclass(frozen=True)
class Watched:
    """A generation."""

    id: UUID
    """The id."""
    customer_id: UUID
    """The customer."""
    model: str
    """The model."""
    provider: ProviderName
    """The account of the present route."""
    stage: Stage
    """The stage."""
    age_seconds: float
    """The time since the acceptance."""
    quiet_seconds: float
    """The time since the last progress, or since the end."""
    due_seconds: float | None
    """The time since the generation is due. Negative: until the next look. None: it has ended."""
    holder: str | None
    """The worker that has the claim."""
    tries: int
    """The failures and crashes in a row in this stage."""
    place: str | None
    """The place at the account, as `schemas.limits.Place`."""
    held_by: str | None
    """Why the generation is out of the queue of its account, as `schemas.limits.HeldBy`."""
    is_unknown: bool
    """Whether a create may have left, and its outcome is unknown."""
    remote_wait: str | None
    """The vendor's last word about the work, as `schemas.limits.RemoteWait`."""
    error_code: str | None
    """The reason of a failure."""

    @property
    def reason(self) -> str:
        """Why the generation is where it is, in a few words."""
        if self.stage in TERMINAL:
            return self.error_code or ""
        told = [f"{self.tries} failed tries"] if self.tries else []
        if self.holder is not None:
            told.append(self.holder or "claimed")
        elif self.due_seconds is not None and self.due_seconds > _DUE_SECONDS:
            told.append(f"due for {self.due_seconds:.0f} s, no worker")
        elif self.place == Place.HELD:
            told.append(f"held: {self.held_by}")
        elif self.place == Place.WAITING:
            told.append("waits for a place")
        elif self.is_unknown:
            told.append("outcome of the create unknown")
        elif self.remote_wait is not None:
            told.append(f"{self.remote_wait} at the vendor")
        return ", ".join(told)


_ROWS = returns(Watched)(f"""
    SELECT g.id, g.customer_id, g.model, g.provider, g.stage,
           extract(epoch FROM clock_timestamp() - g.created_at)::float8 AS age_seconds,
           extract(epoch FROM clock_timestamp() - coalesce(g.finished_at, greatest(g.stage_at, g.updated_at)))::float8
               AS quiet_seconds,
           extract(epoch FROM clock_timestamp() - g.wake_at)::float8 AS due_seconds,
           CASE WHEN NOT {IS_FREE} THEN coalesce(g.holder, '') END AS holder,
           g.failures + g.crashes AS tries, a.place, a.held_by,
           g.stage = 'submitting' AND g.submission IS NOT NULL AND g.remote_id IS NULL AS is_unknown,
           CASE WHEN g.stage = 'generating' THEN g.remote_wait END AS remote_wait, g.error_code
    FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS wanted (id, number)
    JOIN generations g ON g.id = wanted.id LEFT JOIN admissions a ON a.generation_id = g.id
    ORDER BY wanted.number
""")  # noqa: S608 -- a constant


def read(sql: Sql, ids: Sequence[UUID]) -> list[Watched]:
    """The generations with these ids, in this order."""
    return sql.all(_ROWS, ids=list(ids)) if ids else []


@dataclass(frozen=True)
class Found:
    """The generations that a list or a search found."""

    rows: Sequence[Watched]
    """The generations."""
    remarks: Mapping[UUID, str]
    """A remark on some of them, which comes before `Watched.reason`."""
    told: str = ""
    """What the list or the search looked for, in words."""

    def reason(self, row: Watched) -> str:
        """The remark on a generation, or the reason why it is where it is."""
        return self.remarks.get(row.id) or row.reason
