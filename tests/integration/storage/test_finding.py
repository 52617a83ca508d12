"""A page of the list costs a bounded number of reads, whatever the filters. Pages lose nothing and repeat nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from itertools import combinations
from typing import Any
from uuid import UUID, uuid4

import psycopg

from bench.instruments.rows_read import CountingSql
from bench.load import history
from schemas.enums import Kind, Stage
from schemas.lists import Position
from schemas.orders import GenerationRequest
from schemas.settings import Settings
from storage import acceptance, finding
from storage.database import Database
from storage.finding import OLDEST_FIRST, Filters, Page
from storage.sql import of, returns
from tests.support import NewCustomer, a_generation, an_order, new_customer

COUNT = 2_000
LIMIT = 5
READS = 20 * LIMIT

NOW = datetime.now(UTC)
UNDER_WAY = frozenset({Stage.SUBMITTING, Stage.GENERATING, Stage.DOWNLOADING, Stage.STORING, Stage.SETTLING})

ONE: Mapping[str, dict[str, Any]] = {
    "no filter": {},
    "a common stage": {"stages": frozenset({Stage.COMPLETED})},
    "a rare stage": {"stages": frozenset({Stage.CANCELLED})},
    "stages of one status": {"stages": UNDER_WAY},
    "kind": {"kind": Kind.VIDEO},
    "model": {"model": "veo-3"},
    "batch": {"batch_id": UUID(hex=md5(b"batch 0").hexdigest())},
    "times": {"created_from": NOW - timedelta(hours=20), "created_before": NOW - timedelta(hours=2)},
    "a common entry": {"entry": ("tier", "gold")},
    "the entry of one": {"entry": ("order", "77")},
    "an entry of none": {"entry": ("order", "none")},
    "a word of half of them": {"words": ("lighthous",)},
    "a rare word": {"words": ("heron",)},
    "a word of none": {"words": ("zebra",)},
    "two words": {"words": ("lighthous", "heron")},
    "a common provider": {"provider": "kie"},
    "a rare provider": {"provider": "fal"},
}
# These need checks, so a page may have fewer entries.
CHECKED = {"two words", "a common provider", "a rare provider"}
PAIRS = [
    (f"{one} and {other}", ONE[one] | ONE[other])
    for one, other in combinations(ONE, 2)
    if not ONE[one].keys() & ONE[other].keys()
]


def pages(database: Database, filters: Filters, limit: int = LIMIT) -> Iterator[Page]:
    """Every page of a list."""
    after: Position | None = None
    while True:
        with database.transaction() as session:
            page = finding.find(of(session), filters, after, limit=limit)
        yield page
        if page.next is None:
            return
        after = page.next


def every(database: Database, filters: Filters, limit: int = LIMIT) -> list[UUID]:
    return [generation_id for page in pages(database, filters, limit) for generation_id in page.ids]


@dataclass(frozen=True)
class Fact:
    """A generation as the filters see it, read without them."""

    id: UUID
    stage: Stage
    kind: Kind
    model: str
    prompt: str
    metadata: dict[str, str]
    batch_id: str | None
    provider: str
    created_at: datetime

    def meets(self, f: Filters) -> bool:
        """Whether the generation meets all filters."""
        words = {"lighthous" if word == "lighthouse" else word for word in self.prompt.split()}
        return (
            (not f.stages or self.stage in f.stages)
            and f.kind in {None, self.kind}
            and f.model in {None, self.model}
            and (f.batch_id is None or self.batch_id == str(f.batch_id))
            and (f.entry is None or self.metadata.get(f.entry[0]) == f.entry[1])
            and words >= set(f.words)
            and f.provider in {None, self.provider}
            and (f.created_from is None or self.created_at >= f.created_from)
            and (f.created_before is None or self.created_at < f.created_before)
        )


def compact(settings: Settings) -> None:
    """Remove the space that other tests have left. In a small table it decides the planner's choice."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("VACUUM (FULL) generations, generation_labels, generation_terms")


FACTS = returns(Fact)("""
    SELECT id, stage, kind, model, "order" #>> '{inputs,prompt}' AS prompt, "order" -> 'metadata' AS metadata,
           "order" ->> 'batch_id' AS batch_id, provider, created_at
    FROM generations WHERE customer_id = %(customer_id)s ORDER BY created_at DESC, id DESC
""")


def test_no_filter_and_no_pair_reads_more_than_twenty_rows_an_entry(database: Database, settings: Settings) -> None:
    customer = new_customer(database, 0)
    compact(settings)
    history.fill(settings.database_url, customer.id, COUNT)
    with database.statement() as statement:
        facts = statement.all(FACTS, customer_id=customer.id)
    for name, wanted in [*ONE.items(), *PAIRS]:
        filters = replace(Filters(customer.id), **wanted)
        with database.transaction() as session:
            counting = CountingSql(session)
            page = finding.find(counting, filters, None, limit=LIMIT)
        assert counting.rows <= READS, (name, counting.plans)
        matching = [fact.id for fact in facts if fact.meets(filters)]
        assert page.ids == matching[: len(page.ids)], name
        if name in ONE and name not in CHECKED:
            assert page.ids == matching[:LIMIT], f"{name}: the page of a single filter is full"
        with database.transaction() as session:
            counting = CountingSql(session)
            oldest = finding.find(counting, filters, None, limit=LIMIT, direction=OLDEST_FIRST)
        assert counting.rows <= READS, ("oldest first", name, counting.plans)
        assert oldest.ids == matching[::-1][: len(oldest.ids)], f"{name}, oldest first"
        assert every(database, filters, 100) == matching, name


def test_pages_neither_lose_nor_repeat_generations_while_new_ones_come(database: Database, settings: Settings) -> None:
    customer = new_customer(database, 1000)
    there = [a_generation(database, settings, customer) for _ in range(7)]
    seen = []
    for page in pages(database, Filters(customer.id), limit=2):
        seen += page.ids
        a_generation(database, settings, customer)
    assert seen == there[::-1]


def test_generations_of_one_transaction_are_all_listed(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    with database.transaction() as session:
        made = {
            acceptance.accept(
                of(session),
                customer.id,
                GenerationRequest(prompt=f"boat {n}"),
                lambda *_: an_order(),
                settings.pipeline,
            ).generation.id
            for n in range(5)
        }
    listed = every(database, Filters(customer.id), limit=2)
    assert (set(listed), len(listed)) == (made, 5)


def test_another_customers_generations_are_not_found(database: Database, settings: Settings) -> None:
    mine, theirs = new_customer(database, 100), new_customer(database, 100)
    order = an_order().model_copy(update={"metadata": {"order": "1"}, "batch_id": uuid4()})
    made = a_generation(database, settings, mine, order)
    for wanted in (
        {},
        {"stages": frozenset({Stage.QUEUED})},
        {"kind": Kind.IMAGE},
        {"batch_id": order.batch_id},
        {"entry": ("order", "1")},
        {"words": ("lighthous",)},
    ):
        assert every(database, replace(Filters(mine.id), **wanted)) == [made]
        assert every(database, replace(Filters(theirs.id), **wanted)) == []
