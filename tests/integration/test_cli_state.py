"""`reelworks status` and `reelworks sql`."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from schemas.enums import Queue
from schemas.settings import Settings
from stack.wiring import settings_environment
from storage import stream_position
from storage.database import Database
from tests.integration.command import Ended, Reelworks
from tests.support import NewCustomer, a_generation

ROOT = Path(__file__).parents[2]


def test_status_tells_running_parts_from_absent_parts(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    a_generation(database, settings, customer)
    with Redis.from_url(settings.redis_url) as redis:
        redis.flushdb()
        redis.lpush("requests", "a message")
        redis.lpush("generations", "a message", "another")
        redis.lpush("reelworks:door:dead", "a message")
    ended = reelworks("status", "--json", "--patience", "0.5", "--gateway", "http://127.0.0.1:1")
    with Redis.from_url(settings.redis_url) as redis:
        redis.flushdb()

    state = json.loads(ended.out)
    assert (ended.status, state["well"]) == (1, False)
    assert {service["name"]: service["is_there"] for service in state["services"]} == {
        "database": True,
        "redis": True,
        "object store": True,
        "gateway": False,
        "notify": False,
    }
    assert {queue["name"]: queue["length"] for queue in state["queues"]} == {
        queue.value: 1 if queue is Queue.REQUESTS else 0 for queue in Queue
    }
    assert {tuple(queue["workers"]) for queue in state["queues"]} == {()}
    (stage,) = state["stages"]
    assert (stage["stage"], stage["count"], stage["oldest_seconds"] >= 0) == ("queued", 1, True)
    assert state["strange_lists"] == {"generations": 2}
    assert state["dead_requests"] == 1
    assert state["events_out"] == {"stream_seconds": None, "webhooks_due": 0, "webhooks_seconds": 0.0}


def test_status_shows_how_late_events_leave(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    a_generation(database, settings, customer)
    with database.statement() as sql:
        stream_position.begin(sql, 0)
        sql.run("UPDATE events SET created_at = created_at - interval '2 minutes'")
        sql.run(
            "INSERT INTO webhook_endpoints (id, customer_id, url, types, secret) "
            "VALUES (gen_random_uuid(), %(id)s, 'https://hooks.example', '{}', 'whsec_x')",
            id=customer.id,
        )
        sql.run(
            "INSERT INTO webhook_deliveries (endpoint_id, customer_id, type, next_at) "
            "SELECT id, customer_id, 'endpoint.test', clock_timestamp() - interval '1 minute' FROM webhook_endpoints"
        )
    ask = ("status", "--patience", "0.5", "--gateway", "http://127.0.0.1:1")

    out = json.loads(reelworks(*ask, "--json").out)["events_out"]
    assert (120 <= out["stream_seconds"] < 240, 60 <= out["webhooks_seconds"] < 180) == (True, True)
    assert out["webhooks_due"] == 1
    shown = reelworks(*ask).out
    assert "Events leave late" in shown
    assert re.search(r"webhooks +\d+\.\d s +1 due", shown)
    off = json.loads(reelworks(*ask, "--json", REELWORKS_STREAM_OUT__ENABLED="false").out)["events_out"]
    assert off["stream_seconds"] is None


def test_status_names_every_absent_part_without_a_password(reelworks: Reelworks) -> None:
    ended = reelworks(
        "status",
        "--patience",
        "0.5",
        REELWORKS_DATABASE_URL="postgresql://reelworks:s3cret@127.0.0.1:1/reelworks",
        REELWORKS_REDIS_URL="redis://:s3cret@127.0.0.1:2/0",
        REELWORKS_S3__ENDPOINT="127.0.0.1:3",
        REELWORKS_GATEWAY_PORT="4",
        REELWORKS_PUBLIC_URL="http://127.0.0.1:5",
    )

    assert ended.status == 1
    assert "s3cret" not in ended.out + ended.err
    for said in (
        "the database at 127.0.0.1:1 does not answer",
        "Redis at 127.0.0.1:2 does not answer",
        "the object store at 127.0.0.1:3 does not answer",
        "http://127.0.0.1:4 or http://127.0.0.1:5",
        "Something is away.",
    ):
        assert said in ended.out


def test_status_of_a_database_without_tables_names_the_fix(reelworks: Reelworks, settings: Settings) -> None:
    other = settings.database_url.rpartition("/")[0] + "/postgres"
    ended = reelworks("status", "--patience", "0.5", REELWORKS_DATABASE_URL=other)

    assert ended.status == 1
    assert "run `reelworks migrate`" in ended.out


def test_sql_url_has_a_form_that_every_tool_reads(reelworks: Reelworks, settings: Settings) -> None:
    ended = reelworks("sql", "--url", REELWORKS_DATABASE_URL=settings.database_url.replace("ql://", "ql+psycopg://"))

    assert ended == Ended(0, f"{settings.database_url}\n", "")
    assert ended.out.startswith("postgresql://")


def test_statement_prints_its_result(reelworks: Reelworks, customer: NewCustomer) -> None:
    asked = "SELECT id, name LIKE 'a t%' AS is_a_test, NULL AS nothing FROM customers"

    assert json.loads(reelworks("sql", "-c", asked, "--json").out) == [
        {"id": str(customer.id), "is_a_test": True, "nothing": None}
    ]
    shown = reelworks("sql", "-c", asked).out
    assert str(customer.id) in shown
    assert "(1 row)" in shown


def test_sql_changes_rows_only_with_write(reelworks: Reelworks, customer: NewCustomer) -> None:
    change = "UPDATE customers SET name = 'acme'"

    refused = reelworks("sql", "-c", change)
    assert (refused.status, refused.err) == (
        1,
        "the database refuses: cannot execute UPDATE in a read-only transaction\n",
    )
    assert reelworks("sql", "-c", change, "--write") == Ended(0, "UPDATE 1\n", "")
    assert json.loads(reelworks("customers", "list", "--json").out)[0]["name"] == "acme"


def test_wrong_statement_prints_one_line(reelworks: Reelworks, database: Database) -> None:
    ended = reelworks("sql", "-c", "SELEC 1")

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == 'the database refuses: syntax error at or near "SELEC"\n'


@pytest.fixture
def psql(tmp_path: Path) -> Path:
    """A folder with a `psql` that prints its arguments and variables."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "psql"
    program.write_text('#!/bin/sh\necho "$@"\necho "$PGPASSWORD"\necho "$PGOPTIONS"\n')
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(("options", "mode"), [([], "-c default_transaction_read_only=on"), (["--write"], "")])
def test_psql_receives_the_password_in_its_environment(
    settings: Settings, psql: Path, tmp_path: Path, options: list[str], mode: str
) -> None:
    url = "postgresql://reelworks:p%40ss@127.0.0.1:1/reelworks"
    environment = {**os.environ, **settings_environment(settings), "REELWORKS_DATABASE_URL": url, "PATH": str(psql)}

    ended = subprocess.run(
        [sys.executable, "-m", "cli", "sql", *options],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.splitlines() == ["postgresql://reelworks@127.0.0.1:1/reelworks", "p@ss", mode]


def test_error_without_psql_names_the_alternatives(
    reelworks: Reelworks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    ended = reelworks("sql")

    assert (ended.status, ended.out) == (2, "")
    assert "`reelworks sql -c STATEMENT`" in ended.err
    assert "`reelworks sql --url`" in ended.err
