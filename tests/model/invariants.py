"""The rules that hold after every step. Plain SQL reads them from the tables."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from schemas.enums import CancelRule, ErrorCode, EventName, Stage
from schemas.setting_groups import PipelineSettings
from schemas.stages import AT_PROVIDER, CANCELLABLE, TERMINAL, is_allowed
from tests.model.files import sha256_of
from tests.model.menu import MENU, OWN, PRICE, RESENT
from tests.model.vendor import Work, works_of

_GENERATIONS = text("""
    SELECT g.*, a.sha256 AS asset_sha256, now() AS now,
           count(t.*) AS transfers,
           count(*) FILTER (WHERE t.kind = 'hold' AND t.amount = g.credits) AS holds,
           count(*) FILTER (WHERE t.kind = 'capture' AND t.amount = g.credits) AS captures,
           count(*) FILTER (WHERE t.kind = 'release' AND t.amount = g.credits) AS releases
    FROM generations g
    LEFT JOIN assets a ON a.generation_id = g.id AND a.role = 'result'
    LEFT JOIN ledger_transfers t ON t.generation_id = g.id
    GROUP BY g.id, a.sha256 ORDER BY g.id
""")

_EVENTS = text("SELECT generation_id, origin, stage, name, data FROM events ORDER BY id")

# One row for each account. `equity` and `revenue` have no balance column and are not compared.
_ACCOUNTS = text("""
    SELECT a.kind, a.balance,
           coalesce(sum(CASE WHEN t.to_account_id = a.id THEN t.amount ELSE -t.amount END), 0) AS total
    FROM ledger_accounts a LEFT JOIN ledger_transfers t ON a.id IN (t.from_account_id, t.to_account_id)
    GROUP BY a.id
""")

_MOVING = {EventName.MOVED, EventName.SUBMIT_WITHDRAWN}

# The stages in which the vendor was paid: only from these may a generation end there.
_PAID = {
    Stage.GENERATING: {ErrorCode.PROVIDER_FAILED, ErrorCode.TIMEOUT, ErrorCode.WORK_LOST},
    Stage.DOWNLOADING: {ErrorCode.DOWNLOAD_FAILED, ErrorCode.RESULT_INVALID, ErrorCode.INTERNAL},
    Stage.STORING: {ErrorCode.TIMEOUT, ErrorCode.RESULT_INVALID, ErrorCode.INTERNAL},
}


@dataclass
class Memory:
    """The last seen state of a generation."""

    stage: Stage = Stage.QUEUED
    """The stage."""
    progress: int = 0
    """The progress."""
    attempt: int = 0
    """The number of the attempt."""
    lease_token: UUID | None = None
    """The token of the lease."""
    held_until: datetime | None = None
    """The end of the lease."""
    holder: str | None = None
    """The worker process of the newest claim."""
    remote_ids: dict[tuple[int, int], str] = field(default_factory=dict)
    """Accepted creates by route, and by the number of lost runs before."""
    lost_runs: int = 0
    """The number of lost runs."""


class Invariants:
    """Checks all rules, and remembers the values that may not fall."""

    def __init__(self, book: list[Work], pipeline: PipelineSettings) -> None:
        self._book = book
        self._pipeline = pipeline
        self._memories: dict[UUID, Memory] = {}

    def check(self, session: Session, acted: set[str]) -> None:
        """Raise `AssertionError` if a rule is broken after the acts of these actors."""
        # One snapshot. Otherwise an actor that is paused in a commit would be half visible.
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        rows = session.execute(_GENERATIONS).all()
        events = session.execute(_EVENTS).all()
        accounts = session.execute(_ACCOUNTS).all()
        _check_accounts(accounts, unfinished=sum(row.stage not in TERMINAL for row in rows))
        for row in rows:
            self._check_credits(row)
            self._check_result(row)
            self._check_against_memory(row, acted)
            _check_next_look(row, self._pipeline)
            _check_moves(row, [event for event in events if event.generation_id == row.id])
        self._check_creates(rows)

    def _check_credits(self, row: Row[Any]) -> None:
        assert row.holds == 1, f"{row.id} has {row.holds} holds"
        moved = (row.transfers, row.captures, row.releases)
        match Stage(row.stage):
            case Stage.COMPLETED:
                assert moved == (2, 1, 0), f"{row.id} is completed with {moved}"
            case Stage.FAILED:
                assert moved == (2, 0, 1), f"{row.id} failed with {moved}"
            case Stage.CANCELLED:
                assert moved in {(2, 1, 0), (2, 0, 1)}, f"{row.id} is cancelled with {moved}"
                assert not row.captures or _may_charge_cancelled(row), f"{row.id} is cancelled and charged"
            case _:
                assert moved == (1, 0, 0), f"{row.id} is unfinished with {moved}"
                assert row.wake_at is not None, f"{row.id} is forgotten"

    def _check_result(self, row: Row[Any]) -> None:
        if row.stage != Stage.COMPLETED:
            return
        assert row.asset_sha256 is not None, f"{row.id} is completed without a result"
        assert row.asset_sha256 == row.download["sha256"], f"{row.id}: the asset is not what was downloaded"
        assert row.asset_sha256 == sha256_of(row.remote_id), f"{row.id}: the asset is another work's"

    def _check_against_memory(self, row: Row[Any], acted: set[str]) -> None:
        seen = self._memories.setdefault(row.id, Memory())
        stage = Stage(row.stage)
        assert seen.stage not in TERMINAL or stage is seen.stage, f"{row.id} went from {seen.stage} to {stage}"
        assert row.progress >= seen.progress, f"{row.id}: progress went from {seen.progress} to {row.progress}"
        assert row.attempt >= seen.attempt, f"{row.id}: attempt went from {seen.attempt} to {row.attempt}"
        lost = len(row.lost_runs)
        assert lost >= seen.lost_runs, f"{row.id} forgot a lost run"
        assert not lost or row.model == OWN.name, f"{row.id} ran again at a vendor that bills"
        assert lost < self._pipeline.most_runs, f"{row.id} runs for ever"
        seen.lost_runs = lost
        known = seen.remote_ids.get((row.route_index, lost))
        assert known in {None, row.remote_id}, f"{row.id}: remote id went from {known} to {row.remote_id}"
        if seen.held_until is not None and row.now < seen.held_until:
            assert row.attempt == seen.attempt, f"{row.id} was claimed while it was held"
            # The outcome of a create, and a cancel before it, need no lease.
            may_lose_it = seen.holder in acted or seen.stage is Stage.SUBMITTING or stage is Stage.CANCELLED
            assert row.lease_token == seen.lease_token or may_lose_it, f"{acted} took the lease of {seen.holder}"
        seen.stage, seen.progress, seen.attempt = stage, row.progress, row.attempt
        seen.lease_token, seen.held_until, seen.holder = row.lease_token, row.lease_until, row.holder
        if row.remote_id is not None:
            seen.remote_ids[row.route_index, lost] = row.remote_id

    def _check_creates(self, rows: Sequence[Row[Any]]) -> None:
        """A create that may have been accepted is repeated only if the route allows it, after the grace."""
        again = {route.model for route in (*RESENT.routes, *OWN.routes)}
        creates = Counter((work.reference, work.generation_id, work.model, work.resends) for work in self._book)
        for create, count in creates.items():
            _, _, model, resends = create
            assert count == 1, f"{create} was accepted {count} times"
            assert resends == 0 or model in again, f"{create} was sent again"
        for row in rows:
            ended_unsent = row.stage == Stage.CANCELLED and row.submission is None and row.remote_id is None
            if ended_unsent and row.model not in {RESENT.name, OWN.name}:
                assert not works_of(row.id, self._book), f"{row.id} was cancelled as unsent, and the vendor has it"


def _may_charge_cancelled(row: Row[Any]) -> bool:
    """Whether a vendor has named its work and bills stopped work."""
    (ordered,) = (entry for entry in MENU if entry.name == row.model)
    return row.remote_id is not None and ordered.routes[row.route_index].cancel is CancelRule.CHARGED


def _check_accounts(accounts: Sequence[Row[Any]], *, unfinished: int) -> None:
    assert sum(account.total for account in accounts) == 0, "the ledger does not sum to zero"
    for account in accounts:
        assert account.balance in {None, account.total}, f"{account.kind} is {account.balance}, not {account.total}"
        assert account.balance is None or account.balance >= 0, f"{account.kind} is below zero"
    held = sum(account.total for account in accounts if account.kind == "held")
    assert held == unfinished * PRICE, f"{held} credits are held for {unfinished} unfinished generations"


def _check_next_look(row: Row[Any], pipeline: PipelineSettings) -> None:
    """Every generation is due soon after news, and no worker holds or claims it first past its deadline."""
    if row.stage in TERMINAL or row.stage == Stage.SETTLING:
        return
    if row.lease_until is not None:
        # A worker that claims past the deadline ends the generation within one lease.
        latest = max(row.deadline_at, row.claimed_at) + timedelta(seconds=pipeline.lease_seconds, milliseconds=1)
        assert row.lease_until <= latest, f"{row.id} is held until {row.lease_until}"
    soon = row.now + timedelta(seconds=pipeline.resend_after_seconds)
    assert row.wake_at <= max(soon, row.deadline_at), f"{row.id} is looked at past its deadline"
    is_free = row.lease_until is None or row.lease_until < row.now
    news = [
        *([row.callback_at] if row.stage in AT_PROVIDER else []),
        *([row.cancel_requested_at] if row.stage in CANCELLABLE else []),
    ]
    for came_at in news:
        is_unseen = came_at is not None and row.claimed_at is not None and came_at > row.claimed_at
        assert not (is_free and is_unseen) or row.wake_at <= soon, f"{row.id} has news, and sleeps until {row.wake_at}"


def _check_moves(row: Row[Any], events: Sequence[Row[Any]]) -> None:
    """The timeline is an unbroken chain of allowed moves that ends at the row's stage."""
    at: Stage | None = None
    for event in events:
        origin, stage = event.origin and Stage(event.origin), Stage(event.stage)
        if event.name not in _MOVING:
            assert origin is stage, f"{row.id}: {event.name} moved it from {origin} to {stage}"
            continue
        assert origin is at, f"{row.id} was at {at}, and moved from {origin} to {stage}"
        assert origin is None or is_allowed(origin, stage), f"{row.id} moved from {origin} to {stage}"
        assert stage is not Stage.FAILED or origin not in _PAID or event.data["code"] in _PAID[origin], (
            f"{row.id} was paid for, and given up in {origin} for {event.data}"
        )
        at = stage
    assert at == row.stage, f"{row.id} is at {row.stage}, and its timeline ends at {at}"
