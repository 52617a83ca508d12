"""Compares the vendor's accepted creates with our generations."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from sandbox.control_models import TaskReport
from schemas.enums import Stage
from schemas.stages import TERMINAL


@dataclass(frozen=True)
class Breach:
    """A broken rule."""

    subject: str
    """The generation's id, or another name of the subject."""
    problem: str
    """The error, as text."""


@dataclass(frozen=True)
class Entry:
    """A generation in our book."""

    id: UUID
    """The generation's id."""
    key: str | None
    """The idempotency key."""
    stage: str
    """The stage."""
    remote_id: str | None
    """The vendor's id of the task."""
    error_code: str | None
    """The error code of a failed generation."""


_ENTRIES = text("SELECT id, idempotency_key, stage, remote_id, error_code FROM generations")

_MONEY = text("""
    WITH moved AS (
        SELECT customer_id,
               coalesce(sum(amount) FILTER (WHERE kind = 'grant'), 0) AS granted,
               coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS captured
        FROM ledger_transfers GROUP BY customer_id
    )
    SELECT a.customer_id, a.kind, a.balance, m.granted, m.captured
    FROM ledger_accounts a JOIN moved m USING (customer_id)
""")


def entries(session: Session) -> list[Entry]:
    """Every generation."""
    return [Entry(*row) for row in session.execute(_ENTRIES)]


def generation_of(task: TaskReport) -> UUID | None:
    """The generation of a task, from the task's callback URL."""
    if task.call_back_url is None:
        return None
    try:
        return UUID(urlsplit(task.call_back_url).path.rpartition("/")[2])
    except ValueError:
        return None


def compare(ours: Sequence[Entry], theirs: Sequence[TaskReport]) -> list[Breach]:
    """The contradictions between the books, for routes that are never sent again (`unknown_submit = "fail"`)."""
    made_for = {task.task_id: generation_of(task) for task in theirs}
    known = {entry.id for entry in ours}
    return [
        *_made_for_nobody(made_for, known),
        *_made_twice(made_for),
        *(breach for entry in ours for breach in _wrong_task(entry, made_for)),
    ]


def undelivered(ours: Iterable[Entry], theirs: Iterable[TaskReport]) -> Counter[str]:
    """Accepted creates whose customer got no result, counted by the generation's end."""
    by_id = {entry.id: entry for entry in ours}
    owners = (by_id.get(generation_id) for task in theirs if (generation_id := generation_of(task)) is not None)
    return Counter(owner.error_code or owner.stage for owner in owners if owner and owner.stage != "completed")


def unkept_promises(ours: Sequence[Entry], accepted: Mapping[str, UUID]) -> list[Breach]:
    """Generations that a customer was promised and that do not exist, by idempotency key."""
    by_key = {entry.key: entry.id for entry in ours}
    return [
        Breach(str(promised), f"{key} was accepted as this, and our book has {by_key.get(key)}")
        for key, promised in accepted.items()
        if by_key.get(key) != promised
    ]


def unfinished(ours: Iterable[Entry]) -> list[Breach]:
    """Generations that did not end in time."""
    return [Breach(str(entry.id), f"is still {entry.stage}") for entry in ours if Stage(entry.stage) not in TERMINAL]


def wrong_balances(session: Session) -> list[Breach]:
    """Customers whose balance differs from grants less captures. Valid once nothing is unfinished."""
    breaches: list[Breach] = []
    for customer_id, kind, balance, granted, captured in session.execute(_MONEY):
        expected = granted - captured if kind == "available" else 0
        if balance != expected:
            problem = f"{kind} is {balance}; granted {granted}, captured {captured}: it should be {expected}"
            breaches.append(Breach(f"customer {customer_id}", problem))
    return breaches


def _made_for_nobody(made_for: Mapping[str, UUID | None], known: set[UUID]) -> Iterable[Breach]:
    for task_id, generation_id in made_for.items():
        if generation_id not in known:
            yield Breach(f"task {task_id}", f"was made for {generation_id}, which our book does not have")


def _made_twice(made_for: Mapping[str, UUID | None]) -> Iterable[Breach]:
    for generation_id, count in Counter(made_for.values()).items():
        if count > 1:
            tasks = ", ".join(task for task, owner in made_for.items() if owner == generation_id)
            yield Breach(str(generation_id), f"{count} creates were accepted for it: {tasks}")


def _wrong_task(entry: Entry, made_for: Mapping[str, UUID | None]) -> Iterable[Breach]:
    if entry.stage == "completed" and entry.remote_id is None:
        yield Breach(str(entry.id), "is completed without a task")
    if entry.remote_id is None:
        return
    if entry.remote_id not in made_for:
        yield Breach(str(entry.id), f"has the task {entry.remote_id}, which the vendor does not know")
    elif made_for[entry.remote_id] != entry.id:
        yield Breach(str(entry.id), f"has the task {entry.remote_id}, which was made for {made_for[entry.remote_id]}")
