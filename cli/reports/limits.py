"""Prints the limits of accounts with their work, the pauses, and the operator's changes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console

from cli.reports.rows import show_json, show_rows
from schemas.admission_api import AccountState, AccountUse
from schemas.admission_tables import AdmissionChange
from schemas.limits import AccountLimits, Limits, Refusal, RemoteWait
from storage.admission_control import Pause


@dataclass(frozen=True)
class _Account:
    """A line for an account, or for a family of its models."""

    account: str
    in_flight: str
    creates: str
    waiting: int
    oldest: str
    held: str
    used: str
    remarks: str


@dataclass(frozen=True)
class _Change:
    """A line for a change."""

    at: datetime | None
    author: str
    change: str
    before: str
    after: str
    reason: str | None


def show_accounts(states: Sequence[AccountState], pauses: Sequence[Pause], console: Console, *, as_json: bool) -> None:
    """Print the accounts, and what is paused."""
    if as_json:
        accounts = [state.model_dump(mode="json", exclude={"object"}) for state in states]
        paused = [{"scope": one.scope, "name": one.name, "reason": one.reason, "at": one.paused_at} for one in pauses]
        show_json({"accounts": accounts, "pauses": paused}, console)
        return
    show_rows(_Account, [line for state in states for line in _lines(state)], console, as_json=False)
    for one in pauses:
        why = f": {one.reason}" if one.reason else ""
        console.print(f"paused: {one.scope} {one.name} since {one.paused_at:%Y-%m-%d %H:%M:%S}{why}", markup=False)


def show_changes(changes: Sequence[AdmissionChange], console: Console, *, as_json: bool) -> None:
    """Print the changes of limits and pauses."""
    if as_json:
        show_json([change.model_dump(mode="json") for change in changes], console)
        return
    lines = [
        _Change(
            at=one.created_at,
            author=one.author,
            change=f"{one.action} {one.scope} {one.name}",
            before=_document(one.before),
            after=_document(one.after),
            reason=one.reason,
        )
        for one in changes
    ]
    show_rows(_Change, lines, console, as_json=False)


def in_words(limits: AccountLimits) -> str:
    """Limits in one line."""
    if limits.is_unlimited:
        return "no limits"
    said = [] if limits.in_flight is None else [f"{limits.in_flight} in flight"]
    said += [f"{rate.most} creates in {rate.seconds:g} s" for rate in limits.creates]
    said += [f"{limits.reserve} of them in reserve"] if limits.reserve else []
    return ", ".join([*said, *(f"family {name}" for name in limits.families)])


def closing(state: AccountState) -> str | None:
    """How far an account is closed, and why. None: it is open."""
    if state.closed_until is None and state.closed_reason is None:
        return None
    known = {each.value for each in Refusal}
    why = Refusal(state.closed_reason).in_words if state.closed_reason in known else state.closed_reason
    until = state.closed_until
    told = "gets one create now and then" if until is None else f"takes nothing until {until:%Y-%m-%d %H:%M:%S}"
    return f"{told}: {why or 'the vendor said so'}"


def _lines(state: AccountState) -> Iterator[_Account]:
    part = state.used
    yield _Account(
        account=state.account,
        in_flight=in_flight(state.limits, state.use),
        creates=_creates(state.limits, state.use),
        waiting=state.use.waiting,
        oldest="" if state.oldest_waits_seconds is None else f"{state.oldest_waits_seconds:.0f} s",
        held=", ".join(f"{count} {reason}" for reason, count in sorted(state.held.items())),
        used="" if part is None else f"{part:.0%}",
        remarks="; ".join(remarks(state)),
    )
    for name, use in state.families.items():
        limits = state.limits.families.get(name, Limits())
        yield _Account(f"  {name}", in_flight(limits, use), _creates(limits, use), use.waiting, "", "", "", "")


def remarks(state: AccountState) -> Iterator[str]:
    """How the account differs from its declared limits, and what the vendor's refusals say."""
    if (closed := closing(state)) is not None:
        yield closed
    if waiting := sum(state.at_vendor.get(each, 0) for each in (RemoteWait.QUEUED, RemoteWait.THROTTLED)):
        yield f"{waiting} wait in the vendor's own queue"
    if state.override is not None:
        yield f"set by an operator; declared: {in_words(state.declared)}"
    if state.learned_in_flight is not None:
        yield f"the vendor refused more; it gets {state.learned_in_flight:g} in flight now"
    if state.rate_factor < 1:
        yield f"the vendor refused creates as too fast; it gets {state.rate_factor:.0%} of the rate now"


def in_flight(limits: Limits, use: AccountUse) -> str:
    """The generations at the vendor, and the limit if there is one."""
    return str(use.in_flight) if limits.in_flight is None else f"{use.in_flight}/{limits.in_flight}"


def _creates(limits: Limits, use: AccountUse) -> str:
    windows = zip(use.in_windows, limits.creates, strict=True)
    return ", ".join(f"{used}/{rate.most} in {rate.seconds:g} s" for used, rate in windows)


def _document(value: object) -> str:
    return "" if value is None else json.dumps(value)
