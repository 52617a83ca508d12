"""The lists that operators watch, and their search, find the generations that they promise and no others."""

from uuid import UUID

import pytest

from schemas.enums import ErrorCode, Stage
from schemas.settings import Settings
from schemas.watching import View
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import returns
from storage.watching import lists
from storage.watching.rows import Found
from storage.watching.search import search
from tests.integration.gateway.finishing import REMOTE_ID, claim, complete, fail
from tests.support import NewCustomer, a_generation, a_video, an_order, new_customer


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    return new_customer(database, 1000)


def run(database: Database, statement: str, **given: object) -> None:
    with database.statement() as sql:
        sql.run(statement, **given)


def listed(database: Database, view: View, stage: Stage | None = None) -> Found:
    with database.statements() as sql:
        return lists.listed(sql, view, stage)


def ids(found: Found) -> list[UUID]:
    return [row.id for row in found.rows]


def searched(database: Database, text: str) -> tuple[str, set[UUID]]:
    with database.statements() as sql:
        found = search(sql, text)
    return found.told, set(ids(found))


def quiet_for(database: Database, generation_id: UUID, stage: Stage, seconds: int) -> None:
    """A generation that is in a stage since so many seconds, and that waits for its next look."""
    run(
        database,
        "UPDATE generations SET stage = %(stage)s, wake_at = now() + interval '1 h', lease_until = NULL, "
        "created_at = now() - make_interval(secs => %(seconds)s), "
        "stage_at = now() - make_interval(secs => %(seconds)s) "
        "WHERE id = %(id)s",
        id=generation_id, stage=stage.value, seconds=seconds,
    )  # fmt: skip


def test_unfinished_ones_come_oldest_first_and_by_stage(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    young, old, other = (a_generation(database, settings, customer) for _ in range(3))
    complete(database, settings, objects, a_generation(database, settings, customer), b"a picture")
    quiet_for(database, old, Stage.QUEUED, 500)
    quiet_for(database, other, Stage.STORING, 20)

    assert ids(listed(database, View.UNFINISHED)) == [old, other, young]
    assert ids(listed(database, View.UNFINISHED, Stage.STORING)) == [other]
    (row,) = listed(database, View.UNFINISHED, Stage.STORING).rows
    assert row.age_seconds == pytest.approx(20, abs=15)
    assert row.quiet_seconds == pytest.approx(20, abs=15)


def test_work_that_no_worker_takes_is_stuck(database: Database, settings: Settings, customer: NewCustomer) -> None:
    late, claimed, due = (a_generation(database, settings, customer) for _ in range(3))
    claim(database, settings, claimed)
    run(database, "UPDATE generations SET wake_at = now() - interval '40 s' WHERE id <> %(id)s", id=due)

    found = listed(database, View.STUCK)
    assert ids(found) == [late]
    assert "no worker" in found.reason(found.rows[0])


def test_work_at_a_provider_is_stuck_beyond_its_usual_time(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    for _ in range(5):
        complete(database, settings, objects, a_generation(database, settings, customer), b"a picture")
    run(
        database,
        "UPDATE generations SET provider_seconds = NULL, started_at = now() - interval '100 s', rendered_at = now()",
    )
    slow, usual, unknown, shows_progress = (a_generation(database, settings, customer) for _ in range(4))
    video = a_generation(database, settings, customer, a_video())
    quiet_for(database, slow, Stage.GENERATING, 210)
    quiet_for(database, usual, Stage.GENERATING, 110)
    quiet_for(database, video, Stage.GENERATING, 210)
    quiet_for(database, unknown, Stage.STORING, 910)
    quiet_for(database, shows_progress, Stage.GENERATING, 910)
    run(database, "UPDATE generations SET updated_at = now() WHERE id = %(id)s", id=shows_progress)

    assert set(ids(listed(database, View.STUCK))) == {slow, unknown}


def test_a_long_wait_in_a_queue_is_not_stuck_but_failing_tries_are(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    waits, fails = (a_generation(database, settings, customer) for _ in range(2))
    for each in (waits, fails):
        quiet_for(database, each, Stage.QUEUED, 5000)
    run(database, "UPDATE generations SET failures = 3 WHERE id = %(id)s", id=fails)

    found = listed(database, View.STUCK)
    assert [(row.id, found.reason(row)) for row in found.rows] == [(fails, "3 failed tries")]


def test_failures_of_the_last_hour_come_newest_first(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    old, first, last = (a_generation(database, settings, customer) for _ in range(3))
    for each in (old, first, last):
        fail(database, settings, each, ErrorCode.TIMEOUT, "late")
    run(database, "UPDATE generations SET finished_at = now() - interval '2 h' WHERE id = %(id)s", id=old)
    completed = a_generation(database, settings, customer)
    complete(database, settings, objects, completed, b"a picture")

    failed = listed(database, View.FAILED)
    assert ids(failed) == [last, first]
    assert failed.reason(failed.rows[0]) == "timeout"
    assert ids(listed(database, View.ENDED)) == [completed, last, first, old]


def test_unknown_outcomes_are_those_that_wait_and_those_that_failed(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    waits, sends, failed, other = (a_generation(database, settings, customer) for _ in range(4))
    for each in (waits, sends):
        held = claim(database, settings, each)
        run(
            database,
            "UPDATE generations SET stage = 'submitting', submission = %(token)s WHERE id = %(id)s",
            id=each, token=held.token,
        )  # fmt: skip
    run(database, "UPDATE generations SET lease_until = NULL WHERE id = %(id)s", id=waits)
    fail(database, settings, failed, ErrorCode.SUBMIT_OUTCOME_UNKNOWN, "no answer")
    fail(database, settings, other, ErrorCode.TIMEOUT, "late")

    assert set(ids(listed(database, View.UNKNOWN))) == {waits, failed}


@pytest.mark.parametrize(
    ("endpoint", "delivery", "remark"),
    [
        ("failing_since = now()", "tries = 3", "generation.failed to hooks.example: pending, 3 tries"),
        ("paused_at = now(), paused_reason = 'gone'", "tries = 1", "generation.failed to hooks.example: paused"),
        (
            "paused_at = NULL",
            "state = 'failed', tries = 9, ended_at = now()",
            "generation.failed to hooks.example: failed, 9 tries",
        ),
        ("paused_at = NULL", "tries = 1", None),
        ("paused_at = NULL", "state = 'failed', ended_at = now() - interval '2 h'", None),
    ],
)  # fmt: skip
def test_webhooks_that_do_not_arrive_name_host_and_state(
    database: Database, settings: Settings, customer: NewCustomer, endpoint: str, delivery: str, remark: str | None
) -> None:
    generation_id = a_generation(database, settings, customer)
    run(
        database,
        "INSERT INTO webhook_endpoints (id, customer_id, url, types, secret) "
        "VALUES (gen_random_uuid(), %(id)s, 'https://hooks.example/secret', '{generation.*}', 'whsec_x')",
        id=customer.id,
    )
    fail(database, settings, generation_id, ErrorCode.TIMEOUT, "late")
    run(database, f"UPDATE webhook_endpoints SET {endpoint}")
    run(database, f"UPDATE webhook_deliveries SET {delivery}")

    found = listed(database, View.WEBHOOKS)
    assert [found.reason(row) for row in found.rows] == ([] if remark is None else [remark])
    with database.statements() as sql:
        assert lists.count(sql, View.WEBHOOKS) == len(found.rows)


def test_search_finds_a_generation_by_all_that_an_operator_has_at_hand(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    order = an_order().model_copy(update={"reference": "node-7"})
    wanted = a_generation(database, settings, customer, order)
    complete(database, settings, objects, wanted, b"a picture")
    other = new_customer(database, 100)
    failed = a_generation(database, settings, other)
    fail(database, settings, failed, ErrorCode.TIMEOUT, "late")
    run(database, "UPDATE customers SET name = 'acme films', reference = '4711' WHERE id = %(id)s", id=other.id)

    for text in (str(wanted), str(wanted)[:8], f"{wanted}.poll.2", REMOTE_ID):
        assert searched(database, f" {text} ") == ("an id or a reference", {wanted})
    for text in (str(other.id), str(other.id)[:8], "acme films", "4711"):
        assert searched(database, text) == ("a customer", {failed})
    assert searched(database, "timeout") == ("an error code", {failed})
    assert searched(database, "node-7") == ("an id or a reference", {wanted})
    for text in ("internal", "unknown", "%", "12"):
        assert searched(database, text) == ("nothing", set())


def test_a_watcher_reads_and_cannot_write(settings: Settings, database: Database) -> None:
    watcher = Database(settings.database_url, pool_size=1, watcher="a test")
    try:
        with watcher.statement() as sql, pytest.raises(Exception, match="read-only transaction"):
            sql.run("DELETE FROM customers")
        with watcher.statement() as sql:
            shown = [sql.first(returns(str)(f"SHOW {name}")) for name in ("statement_timeout", "application_name")]
        assert shown == ["5s", "a test"]
    finally:
        watcher.dispose()
