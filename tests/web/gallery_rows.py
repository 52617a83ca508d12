"""Fills a database and an object store with a customer's finished generations, for a gallery to scroll.

`python -m tests.web.gallery_rows` fills those of a running `reelworks up`. The rows, transfers and files are such as
the pipeline leaves, so an audit finds nothing wrong. Most are completed pictures and videos in several shapes; some are
batches, some failed or were cancelled, and some lost their files with time.
"""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg

from providers.catalogue import Catalogue
from providers.registry import Providers
from schemas.enums import AssetRole, ErrorCode, Kind, Stage
from schemas.orders import GenerationRequest, Order
from schemas.settings import Settings
from storage.acceptance import hash_of
from storage.objects import ObjectStore
from tests.web.gallery_files import FACTS, Sample, SampleFile, samples

COUNT = 10_000
_APART = timedelta(minutes=3)
_BATCH = 4
_STORING_THREADS = 8

_MODELS = {Kind.IMAGE: ("nano-banana", "nano-banana-pro"), Kind.VIDEO: ("kling-2.6-text-to-video", "veo-3-fast")}
_SUBJECTS = ("a lighthouse", "a paper boat", "a night train", "a heron", "a market", "an old bridge", "two foxes")
_PLACES = ("in fog", "at dawn", "in heavy rain", "under northern lights", "by the sea", "in a snowy valley")
_LOOKS = ("oil on canvas", "seen from above", "macro photography", "paper cut", "wide angle, soft light")

_GENERATION = (
    "id", "customer_id", "request_hash", "kind", "model", "order", "credits", "provider", "route_index", "remote_id",
    "stage", "progress", "attempt", "failures", "result_urls", "object_key", "deadline_at", "created_at", "stage_at",
    "started_at", "rendered_at", "finished_at", "error_code", "error_message", "rating", "cancel_requested_at",
)  # fmt: skip
_ASSET = (
    "id", "generation_id", "customer_id", "role", "object_key", "created_at", "expired_at", *FACTS,
)  # fmt: skip

# The grant covers the prices of what was completed, and the balances stay as they were.
_TRANSFERS = """
    WITH account AS (
        SELECT max(id) FILTER (WHERE kind = 'available') AS available, max(id) FILTER (WHERE kind = 'held') AS held
        FROM ledger_accounts WHERE customer_id = %(customer_id)s
    ), made AS (
        SELECT id, stage, credits, created_at, finished_at FROM generations WHERE id = ANY(%(ids)s)
    )
    INSERT INTO ledger_transfers
        (kind, customer_id, generation_id, from_account_id, to_account_id, amount, reference, created_at)
    SELECT 'grant', %(customer_id)s::uuid, NULL::uuid, (SELECT id FROM ledger_accounts WHERE kind = 'equity'),
           (SELECT available FROM account), sum(credits)::bigint, gen_random_uuid()::text, min(created_at)
    FROM made WHERE stage = 'completed' HAVING count(*) > 0
    UNION ALL
    SELECT 'hold', %(customer_id)s, made.id, available, held, credits, NULL, created_at FROM made, account
    UNION ALL
    SELECT 'capture', %(customer_id)s, made.id, held, (SELECT id FROM ledger_accounts WHERE kind = 'revenue'),
           credits, NULL, finished_at
    FROM made, account WHERE stage = 'completed'
    UNION ALL
    SELECT 'release', %(customer_id)s, made.id, held, available, credits, NULL, finished_at
    FROM made, account WHERE stage <> 'completed'
"""


@dataclass(frozen=True)
class _Row:
    """A generation, and the files that it has."""

    id: UUID
    order: Order
    stage: Stage
    created_at: datetime
    sample: Sample
    key: str
    lost_files_at: datetime | None

    @property
    def files(self) -> Iterator[tuple[AssetRole, str, SampleFile]]:
        """The role, the key and the content of each file."""
        if self.stage is not Stage.COMPLETED:
            return
        yield AssetRole.RESULT, f"{self.key}.{self.sample.result.media.extension}", self.sample.result
        if self.sample.poster:
            yield AssetRole.POSTER, f"{self.key}.poster.jpg", self.sample.poster


def fill(settings: Settings, customer_id: UUID, count: int = COUNT) -> Sequence[UUID]:
    """Add finished generations to a customer's history. Returns them, the newest first."""
    rows = _rows(Catalogue.load(Providers(settings.providers).available()), customer_id, count)
    _store_files(settings, rows)
    with psycopg.connect(settings.database_url) as connection, connection.cursor() as cursor:
        _copy(cursor, "generations", _GENERATION, (_generation(customer_id, row) for row in rows))
        _copy(cursor, "assets", _ASSET, (asset for row in rows for asset in _assets(customer_id, row)))
        cursor.execute(_TRANSFERS, {"customer_id": customer_id, "ids": [row.id for row in rows]})
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) generations, generation_labels, generation_terms, assets")
    return [row.id for row in rows]


def _rows(catalogue: Catalogue, customer_id: UUID, count: int) -> Sequence[_Row]:
    # The same rows each time.
    chance = random.Random(count)
    there = samples()
    newest = datetime.now(UTC) - timedelta(minutes=1)
    batch: UUID | None = None
    rows = []
    for number in range(count):
        # Of every 25 orders, the first is a batch.
        place = number % (24 + _BATCH)
        batch = uuid4() if place == 0 else batch if place < _BATCH else None
        sample = there[number // (24 + _BATCH) % len(there)] if batch else chance.choice(there)
        model = _MODELS[sample.kind][0 if batch or sample.aspect_ratio == "4:3" else chance.randrange(2)]
        order = _order(catalogue, model, sample, number, chance).model_copy(update={"batch_id": batch})
        at = newest - _APART * (number - min(place, _BATCH - 1) if batch else number)
        generation_id = uuid4()
        key = f"customers/{customer_id}/assets/{sample.kind}/{generation_id}"
        lost = at + timedelta(days=1) if number % 60 == 59 else None
        rows.append(_Row(generation_id, order, _stage(number), at, sample, key, lost))
    return rows


def _order(catalogue: Catalogue, model: str, sample: Sample, number: int, chance: random.Random) -> Order:
    words = (chance.choice(_SUBJECTS), chance.choice(_PLACES), chance.choice(_LOOKS))
    ratio = sample.aspect_ratio if model != "veo-3-fast" and sample.aspect_ratio != "4:3" else "16:9"
    request = GenerationRequest(
        model=model,
        prompt=f"{', '.join(words)}, take {number}",
        aspect_ratio=ratio,
        metadata={"shelf": str(number % 10), "order": str(number)},
    )
    return catalogue.order(request)


def _stage(number: int) -> Stage:
    match number % 50:
        case 17:
            return Stage.FAILED
        case 33:
            return Stage.CANCELLED
        case _:
            return Stage.COMPLETED


def _generation(customer_id: UUID, row: _Row) -> tuple[object, ...]:
    order, at = row.order, row.created_at
    seconds = 90 if row.sample.kind is Kind.VIDEO else 9
    finished_at = at + timedelta(seconds=seconds)
    is_completed, has_failed = row.stage is Stage.COMPLETED, row.stage is Stage.FAILED
    request = GenerationRequest(model=order.model, prompt=order.inputs.prompt)
    return (
        row.id, customer_id, hash_of([request]), order.kind, order.model, json.dumps(order.model_dump(mode="json")),
        order.credits, order.routes[0].provider, 0, f"filled-{row.id}",
        row.stage, 100 if is_completed else 15, 1, 0, "[]", next((key for _, key, _ in row.files), None),
        at + timedelta(minutes=10), at, finished_at, at + timedelta(seconds=1),
        finished_at - timedelta(seconds=1) if is_completed else None, finished_at,
        ErrorCode.CONTENT_REJECTED if has_failed else None,
        "the provider refused the prompt" if has_failed else None,
        int(str(row.id.int)[-1]) % 5 + 1 if is_completed and row.id.int % 4 == 0 else None,
        at + timedelta(seconds=2) if row.stage is Stage.CANCELLED else None,
    )  # fmt: skip


def _assets(customer_id: UUID, row: _Row) -> Iterator[tuple[object, ...]]:
    for role, key, file in row.files:
        yield (uuid4(), row.id, customer_id, role, key, row.created_at, row.lost_files_at, *file.facts)


def _copy(
    cursor: psycopg.Cursor[tuple[object, ...]], table: str, columns: Sequence[str], rows: Iterator[tuple[object, ...]]
) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _store_files(settings: Settings, rows: Sequence[_Row]) -> None:
    store = ObjectStore(settings.s3)
    kept = [(key, file) for row in rows if row.lost_files_at is None for _, key, file in row.files]
    try:
        with ThreadPoolExecutor(_STORING_THREADS) as threads:
            list(threads.map(lambda each: _store(store, *each), kept))
    finally:
        store.close()


def _store(store: ObjectStore, key: str, file: SampleFile) -> None:
    store.put_bytes(key, file.body, content_type=file.media.content_type)


def main() -> None:
    """Fill the history of a customer of the running system."""
    from cli.configuration import service_settings
    from storage import customers
    from storage.database import Database
    from storage.development import NAME

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help=f"so many generations; default: {COUNT:,}")
    parser.add_argument("--customer", type=UUID, help="the customer's id; default: the development customer")
    given = parser.parse_args()
    settings = service_settings()
    customer_id = given.customer
    if customer_id is None:
        database = Database(settings.database_url)
        with database.transaction() as session:
            found = customers.find_customer(session, NAME)
        database.dispose()
        if found is None:
            parser.error("there is no development customer: name one with --customer")
        customer_id = found.id
    fill(settings, customer_id, given.count)


if __name__ == "__main__":
    main()
