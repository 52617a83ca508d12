"""A lever reads its selection in windows: the answers are those of one statement, and no statement reads much more."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple
from itertools import cycle
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from bench.instruments.rows_read import CountingSql
from bench.load import history
from schemas.causes import Cause
from schemas.enums import ErrorCode, Stage
from schemas.errors import InvalidRequest
from schemas.lever_token import Seen
from schemas.levers import Lever, Selection
from schemas.settings import Settings
from schemas.stages import TERMINAL
from storage.admission_control import Reason
from storage.database import Database
from storage.levers import changes, counting, running, walking
from storage.levers.acting import Run
from storage.levers.counting import Counted
from storage.levers.selecting import selected
from storage.sql import Query, Sql, T, returns
from tests.support import new_customer

pytestmark = pytest.mark.slow

COUNT = 1_020
WINDOW, NARROW = 60, 90
# Of a candidate, a lever reads the row, the labels, a few events, transfers, receipts and messages.
READS = 8 * WINDOW

BATCH = UUID("00000000-0000-4000-8000-0000000000b1")


@pytest.fixture
def filled(database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Two customers with mixed generations, and windows that are small beside them. Returns the customers."""
    customers = [new_customer(database, 0).id for _ in range(2)]
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("VACUUM (FULL) generations, generation_labels, generation_terms, events")
    for customer, count in zip(customers, (COUNT, COUNT // 10), strict=True):
        history.fill(settings.database_url, customer, count)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        for statement in _MIX:
            connection.execute(statement)
        connection.execute("VACUUM (ANALYZE)")
    monkeypatch.setattr(walking, "WINDOW", WINDOW)
    monkeypatch.setattr(walking, "NARROW", NARROW)
    monkeypatch.setattr(running, "_SLICE", WINDOW // 3)
    return customers


# Rows of one moment, a batch, several codes, works at the vendor, a rare provider, money, callbacks, messages that were
# given up, and an operator's earlier act.
_MIX = (
    """
    WITH numbered AS (SELECT id, row_number() OVER (ORDER BY created_at, id) AS n FROM generations), mixed AS (
        SELECT numbered.id, n, CASE n % 4 WHEN 0 THEN 'failed' WHEN 1 THEN 'completed' WHEN 2 THEN 'cancelled'
            ELSE stage END AS stage FROM numbered JOIN generations ON generations.id = numbered.id
    )
    UPDATE generations g SET
        stage = mixed.stage, created_at = date_trunc('hour', g.created_at),
        wake_at = CASE WHEN mixed.stage NOT IN ('failed', 'completed', 'cancelled') THEN now() END,
        finished_at = CASE WHEN mixed.stage IN ('failed', 'completed', 'cancelled') THEN now() END,
        error_code = CASE WHEN mixed.stage = 'failed' THEN
            (ARRAY['timeout', 'internal', 'submit_outcome_unknown', 'content_rejected'])[1 + n / 4 % 4] END,
        remote_id = CASE WHEN n % 3 = 0 THEN n::text END,
        provider = CASE WHEN n % 97 = 0 THEN 'rare' ELSE g.provider END,
        provider_credits = CASE WHEN n % 5 = 0 THEN 1.5 END,
        failures = CASE WHEN n % 7 = 0 THEN 1 ELSE 0 END
    FROM mixed WHERE mixed.id = g.id
    """,
    """
    UPDATE generation_labels l SET created_at = g.created_at,
        batch_id = CASE WHEN get_byte(uuid_send(g.id), 0) % 4 = 0 THEN '00000000-0000-4000-8000-0000000000b1'::uuid END
    FROM generations g WHERE g.id = l.generation_id
    """,
    """
    INSERT INTO events (generation_id, stage, name, data)
    SELECT id, stage, 'operator_acted', '{"change": "another"}' FROM generations
    """,
    """
    INSERT INTO ledger_transfers (kind, customer_id, generation_id, from_account_id, to_account_id, amount)
    SELECT 'capture', g.customer_id, g.id, a.id, (SELECT id FROM ledger_accounts WHERE kind = 'revenue'), 4
    FROM generations g JOIN ledger_accounts a ON a.customer_id = g.customer_id AND a.kind = 'held'
    WHERE g.stage = 'completed'
    """,
    """
    INSERT INTO callback_receipts (generation_id, provider, body, body_sha256, deliveries)
    SELECT id, provider, 'done', id::text, 1 FROM generations WHERE stage = 'generating'
    """,
    """
    INSERT INTO webhook_endpoints (id, customer_id, url, types, secret)
    SELECT gen_random_uuid(), id, 'https://shop.example/hooks', '{}', 'a secret' FROM customers
    """,
    """
    INSERT INTO webhook_deliveries (endpoint_id, customer_id, generation_id, type, state)
    SELECT e.id, g.customer_id, g.id, 'generation.failed', 'failed'
    FROM generations g JOIN webhook_endpoints e USING (customer_id) WHERE g.stage = 'failed'
    """,
)


class EachStatement(CountingSql):
    """Knows the most rows that one statement has read."""

    most = 0
    worst = ""

    def all(self, query: Query[T], /, **given: object) -> list[T]:
        """Run a query and return every row."""
        before, plans = self.rows, len(self.plans)
        rows = super().all(query, **given)
        if self.rows - before > self.most:
            self.most, self.worst = self.rows - before, f"{self.plans[plans:]} of {query.text}"
        return rows


def selections(customers: list[UUID]) -> Iterator[Selection]:
    """Each field alone, dense, sparse and without a match; then random ones."""
    chance = random.Random(7)
    fields: dict[str, list[object]] = {
        "customer_id": [[customers[0]], [customers[1]], customers, [uuid4()], [customers[0], customers[0]]],
        "batch_id": [[BATCH], [uuid4()], [BATCH, uuid4()], [BATCH, BATCH]],
        "kind": ["image", "video"],
        "model": [["nano-banana"], ["veo-3"], ["none"]],
        "provider": [["kie"], ["rare"], ["none"]],
        "route": [["kie/google/nano-banana"], ["kie/none"]],
        "stage": [["queued"], ["failed"], ["completed"], ["storing"], ["generating", "failed"]],
        "status": [["queued", "processing"], ["failed"], ["completed", "cancelled"]],
        "error_code": [[ErrorCode.TIMEOUT], [ErrorCode.WORK_LOST], [ErrorCode.SUBMIT_OUTCOME_UNKNOWN]],
        "cause": [[Cause.PROVIDER_FAULT], [Cause.CANCELLED_AFTER_START], [Cause.OUTPUT_REFUSED, Cause.TIMED_OUT]],
        "accepted_after": ["2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"],
        "accepted_before": ["2101-01-01T00:00:00Z", "2020-01-01T00:00:00Z"],
        "failing": [True],
    }
    yield Selection(all=True)
    for name, values in fields.items():
        yield from (Selection.model_validate({name: value}) for value in values)
    yield Selection.model_validate({"stage": ["queued"], "error_code": [ErrorCode.TIMEOUT]})
    for _ in range(10):
        names = chance.sample(sorted(fields.keys() - {"accepted_before"}), 2)
        yield Selection.model_validate({name: chance.choice(fields[name]) for name in names})


def run_of(lever: Lever, selection: Selection, counted: Counted) -> Run:
    seen = Seen(uuid4(), counted.count, counted.counted_at)
    change = changes.of_run(seen.change_id, lever, selection, Reason("ops@host", "a test"), counted)
    return Run(lever, selection, seen, change)


def in_one(sql: Sql, run: Run) -> tuple[list[UUID], Counter[tuple[str, str]]]:
    """The generations on which a lever acts, in order, and the selected ones by stage and provider: one statement."""
    meant = selected(run.lever, run.selection, run.seen)
    rows = sql.all(returns(lambda *row: row)(meant.into(_IN_ONE)), **meant.given)
    return [row[0] for row in rows if row[3]], Counter((row[1], row[2]) for row in rows)


_IN_ONE = """
    SELECT g.id, g.stage, g.provider, {acts} FROM {tables} WHERE {condition} ORDER BY g.created_at, g.id
"""


@pytest.mark.parametrize("lever", Lever)
def test_windows_give_the_answers_of_one_statement(database: Database, filled: list[UUID], lever: Lever) -> None:
    for selection in selections(filled):
        with database.statement() as sql:
            counted = counting.count(sql, lever, selection)
            run = run_of(lever, selection, counted)
            ids, stages = in_one(sql, run)
            found = running.slice_of(sql, run, None, limit=COUNT * 2)
            assert found == ids, selection
            assert (counted.count, counted.selected) == (len(ids), stages.total()), selection
            assert {(one.stage, one.provider): one.selected for one in counted.groups} == stages, selection
            assert (set(counted.sample) <= set(ids), len(counted.sample)) == (True, min(len(ids), 5)), selection
            for place in {0, len(ids) // 2, len(ids) - 1} if ids else ():
                assert running.left(sql, run, ids[place]) == len(ids) - place - 1, selection
                assert running.slice_of(sql, run, ids[place], limit=7) == ids[place + 1 : place + 8], selection


def test_no_statement_reads_more_than_a_window(database: Database, filled: list[UUID]) -> None:
    with database.statement() as sql:
        seen = Seen(uuid4(), 0, counting.now(sql))
    for selection, lever in zip(selections(filled), cycle(Lever), strict=False):
        with database.transaction() as session:
            # In a table of a page, a scan is the cheapest look-up.
            session.execute(text("SET LOCAL enable_seqscan = off"))
            each = EachStatement(session)
            run = run_of(lever, selection, counting.count(each, lever, selection, seen))
            ids = running.slice_of(each, run, None, limit=COUNT * 2)
            if ids:
                running.left(each, run, ids[0])
        assert each.most <= READS, (lever, selection, each.most, each.worst)


def test_sums_of_windows_are_the_sums_of_all(
    database: Database, filled: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.statement() as sql:
        small = counting.count(sql, Lever.CANCEL, Selection(all=True))
        monkeypatch.setattr(walking, "WINDOW", COUNT * 2)
        whole = counting.count(sql, Lever.CANCEL, Selection(all=True))
    assert [astuple(group) for group in small.groups] == [astuple(group) for group in whole.groups]
    assert any(group.provider_credits for group in whole.groups)


def test_few_rows_of_an_index_are_read_in_place_of_the_whole_history(database: Database, filled: list[UUID]) -> None:
    """Unfinished generations, failures and ids are few beside a history: their index is read, and not all labels."""
    with database.statements() as sql:
        ids = sql.all(returns(UUID)("SELECT id FROM generations WHERE wake_at IS NOT NULL ORDER BY id LIMIT 40"))
        sql.run(_END_OTHERS, ids=ids)
    few = [
        Selection(id=ids),
        Selection(failing=True),
        Selection(stage=sorted(set(Stage) - TERMINAL)),
        Selection(error_code=[ErrorCode.TIMEOUT]),
    ]
    for selection in few:
        read: list[int] = []
        with database.statement() as sql:
            counting.count(sql, Lever.FAIL, selection, watch=read.append)
        assert read[-1] <= NARROW, selection


_END_OTHERS = """
    UPDATE generations SET stage = 'cancelled', wake_at = NULL, finished_at = now()
    WHERE wake_at IS NOT NULL AND NOT id = ANY(%(ids)s)
"""


def test_count_tells_its_progress_and_its_reader_may_end_it(database: Database, filled: list[UUID]) -> None:
    read: list[int] = []
    with database.statement() as sql:
        counting.count(sql, Lever.FAIL, Selection(all=True), watch=read.append)
        total = sql.first(returns(int)("SELECT count(*) FROM generations"))
        assert (read[0], read[-1], len(read)) == (0, total, -(-(total or 0) // WINDOW) + 1)
        with pytest.raises(InvalidRequest, match="takes too long to read"):
            counting.count(sql, Lever.FAIL, Selection(all=True), watch=walking.for_seconds(0))


def test_nothing_is_read_for_conditions_that_exclude_each_other(database: Database, filled: list[UUID]) -> None:
    read: list[int] = []
    with database.statement() as sql:
        counting.count(
            sql, Lever.FAIL, Selection(stage=[Stage.QUEUED], error_code=[ErrorCode.TIMEOUT]), watch=read.append
        )
    assert read == [0]


def test_more_ids_than_a_window_are_one_selection(database: Database, filled: list[UUID]) -> None:
    with database.statement() as sql:
        ids = sql.all(returns(UUID)("SELECT id FROM generations WHERE stage = 'queued' ORDER BY created_at, id"))
        assert len(ids) > WINDOW
        wanted = Selection(id=[*ids, *ids])
        counted = counting.count(sql, Lever.CANCEL, wanted)
        assert counted.count == len(ids)
        run = run_of(Lever.CANCEL, wanted, counted)
        assert running.slice_of(sql, run, ids[WINDOW], limit=COUNT) == ids[WINDOW + 1 :]


def test_slice_after_no_generation_is_refused(database: Database, filled: list[UUID]) -> None:
    with database.statement() as sql:
        run = run_of(Lever.FAIL, Selection(all=True), counting.count(sql, Lever.FAIL, Selection(all=True)))
        with pytest.raises(InvalidRequest, match="is no generation"):
            running.slice_of(sql, run, uuid4(), limit=1)
