"""Measures `GET /v1/generations` for a customer with a long history: each filter, the first and the thousandth page.

One gateway process answers one sender. The rows read are PostgreSQL's own account of the statements that find the page.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from bench.figures.percentiles import percentiles
from bench.figures.results import Measure, Outcome, over_rounds
from bench.instruments.rows_read import CountingSql
from bench.load import history
from bench.load.senders import Sender
from bench.progress import Steps
from bench.running_stack import RunningStack, durability, running_stack
from bench.scenario import RunContext
from bench.subjects.protocols import Door
from bench.subjects.reelworks import NAME as REELWORKS
from schemas.enums import Kind, Stage, Status
from schemas.lists import Position
from schemas.stages import status_of
from storage import finding
from storage.finding import Filters

NAME = "lists"
ANSWER, READ, FOUND = "answer", "rows read", "entries"

_COUNT = 1_000_000
_LIMIT = 20
_PAGES = 1_000
# A walk to the thousandth page takes larger steps.
_STRIDE = 100


@dataclass(frozen=True)
class _Case:
    """A filter as a query and as the storage takes it."""

    query: Mapping[str, str]
    filters: Mapping[str, Any]


def _stages(status: Status) -> frozenset[Stage]:
    return frozenset(stage for stage in Stage if status_of(stage) is status)


def _cases() -> dict[str, _Case]:
    batch, since = UUID(hex=md5(b"batch 1").hexdigest()), datetime.now(UTC) - timedelta(days=100)
    cases = {
        "no filter": _Case({}, {}),
        "stage=generating": _Case({"stage": "generating"}, {"stages": frozenset({Stage.GENERATING})}),
        "kind=video, 1 in 20": _Case({"kind": "video"}, {"kind": Kind.VIDEO}),
        "model, 1 in 100": _Case({"model": "veo-3"}, {"model": "veo-3"}),
        "batch of 100": _Case({"batch_id": str(batch)}, {"batch_id": batch}),
        "created_from": _Case({"created_from": since.isoformat()}, {"created_from": since}),
        "entry of 1 in 2": _Case({"metadata_key": "tier", "metadata_value": "tin"}, {"entry": ("tier", "tin")}),
        "entry of one": _Case({"metadata_key": "order", "metadata_value": "77"}, {"entry": ("order", "77")}),
        "kind=video and word of 1 in 2": _Case(
            {"kind": "video", "q": "lighthouse"}, {"kind": Kind.VIDEO, "words": ("lighthous",)}
        ),
        "status=failed and word of 1 in 20": _Case(
            {"status": "failed", "q": "fog"}, {"stages": _stages(Status.FAILED), "words": ("fog",)}
        ),
        "provider, 1 in 50": _Case({"provider": "fal"}, {"provider": "fal"}),
        "two words, 1 in 2 and 1 in 1,000": _Case({"q": "lighthouse heron"}, {"words": ("lighthous", "heron")}),
    }
    for status in Status:
        cases[f"status={status}"] = _Case({"status": status.value}, {"stages": _stages(status)})
    for word, lexeme, share in (
        ("lighthouse", "lighthous", "2"),
        ("fog", "fog", "20"),
        ("heron", "heron", "1,000"),
        ("quagga", "quagga", "100,000"),
    ):
        cases[f"word of 1 in {share}"] = _Case({"q": word}, {"words": (lexeme,)})
    return cases


class Lists:
    """The list of a customer with 1,000,000 generations."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Fill a database, and then read the first and the thousandth page with each filter in each round."""
        count, reads = (20_000, 10) if context.quick else (_COUNT, 100)
        rounds: list[list[Outcome]] = []
        with running_stack(context, only={"gateway"}) as running, Steps(context, NAME, context.rounds + 1) as steps:
            steps.begin(f"filling the database with {count:,} generations of a customer")
            url, customer_id = running.stack.settings.database_url, running.customer_id
            history.fill(url, customer_id, count, lambda there: steps.show(f"{there:,} there"))
            for number in range(1, context.rounds + 1):
                steps.begin(f"round {number}")
                rounds.append(list(_round(running, reads)))
            outcomes = [over_rounds(same) for same in zip(*rounds, strict=True)]
            outcomes[-1].notes.append(durability(running.database))
        return outcomes


def _round(running: RunningStack, reads: int) -> Iterator[Outcome]:
    for name, case in _cases().items():
        filters = replace(Filters(running.customer_id), **case.filters)
        number, last = _walk(running, filters)
        yield _measured(running, f"{name}, first page", case, filters, None, reads)
        if last is not None:
            yield _measured(running, f"{name}, page {number:,}", case, filters, last, reads)


def _walk(running: RunningStack, filters: Filters) -> tuple[int, Position | None]:
    """The position before the thousandth page, or before the last page of a shorter list, and the page's number."""
    after: Position | None = None
    found = 0
    with running.database.statements() as sql:
        while found < _LIMIT * (_PAGES - 1):
            left = _LIMIT * (_PAGES - 1) - found
            page = finding.find(sql, filters, after, limit=min(_STRIDE, left))
            if page.next is None:
                break
            after, found = page.next, found + len(page.ids)
    return found // _LIMIT + 1, after


def _measured(
    running: RunningStack, name: str, case: _Case, filters: Filters, after: Position | None, reads: int
) -> Outcome:
    with running.database.transaction() as session:
        counting = CountingSql(session)
        page = finding.find(counting, filters, after, limit=_LIMIT)
    query = {**case.query, "limit": str(_LIMIT), **({"cursor": after.cursor} if after else {})}
    door = Door(f"{running.door.url}?{urlencode(query)}", running.door.headers, {}, method="GET")
    with Sender(door) as sender:
        sender.send()
        seconds = [_time(sender) for _ in range(reads)]
    problems = [] if counting.rows <= 20 * _LIMIT else [f"{name} reads {counting.rows} rows: {counting.plans}"]
    return Outcome(
        scenario=NAME,
        case=name,
        subject=REELWORKS,
        measures=[
            *percentiles(ANSWER, seconds),
            Measure(what=READ, unit="", values=[counting.rows]),
            Measure(what=FOUND, unit="", values=[len(page.ids)]),
        ],
        notes=[f"{name}: {'; '.join(counting.plans)}"],
        problems=problems,
    )


def _time(sender: Sender) -> float:
    began = time.perf_counter()
    sender.send()
    return time.perf_counter() - began
