"""A backup, lost work, a restore, and `reelworks restored`: every file is there, and no create is paid twice."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from schemas.limits import AccountLimits
from schemas.settings import Settings
from stack.postgres import BINARIES
from stack.stack import Stack
from storage import admission_control
from storage.admission_control import Reason
from storage.audit import audit
from storage.database import Database
from storage.objects import ObjectStore
from tests.support import NewCustomer, clean_settings, eventually, new_customer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

QUICK, HELD, AFTER = 10, 50, 10
BEFORE = QUICK + HELD
HOLD = "for long"
"""The words of an order that the vendor holds."""
WORKERS = ("gateway", "worker-provider", "worker-transfer", "worker-media", "worker-control", "beat")


@pytest.fixture
def stack(run_folder: Path) -> Iterator[Stack]:
    """A whole system with services of its own. The grace of an unknown create is short."""
    settings = clean_settings()
    pipeline = settings.pipeline.model_copy(update={"unknown_submit_grace_seconds": 3})
    settings = settings.model_copy(update={"pipeline": pipeline})
    with Stack(run_folder / "restore", settings, only={*WORKERS, "sandbox"}) as stack:
        yield stack


class World:
    """Orders at a vendor that makes four at a time, each under a word of its own."""

    def __init__(self, stack: Stack, sandbox: SandboxClient) -> None:
        self.stack, self.sandbox = stack, sandbox
        self.words: dict[str, str] = {}
        sandbox.lift_limits()
        small = Delivered(width=64, height=64)
        sandbox.add_scenario(Scenario(match=Match(), seconds=1, delivered=small))
        self._held = sandbox.add_scenario(Scenario(match=Match(prompt_contains=HOLD), seconds=3600, delivered=small))
        database = self._database()
        with database.statement() as sql:
            four = AccountLimits(in_flight=4)
            admission_control.set_limits(sql, "kie", lambda _: four, Reason("a test"))
        self._customer: NewCustomer = new_customer(database, 100_000)
        database.dispose()

    def order(self, count: int, *, held: bool = False) -> None:
        """Order so often. Held: the vendor works on the order until `end_all`."""
        url, headers = self.stack.gateway_url, self._customer.headers
        with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
            for _ in range(count):
                word = uuid4().hex
                body = {"model": "nano-banana", "prompt": f"a lighthouse {word} {HOLD if held else ''}"}
                answer = http.post("/v1/generations", json=body).raise_for_status().json()
                self.words[str(answer["id"])] = word

    def stages(self) -> Counter[str]:
        with psycopg.connect(self.stack.settings.database_url) as connection:
            return Counter(
                dict(connection.execute("SELECT stage, count(*) FROM generations GROUP BY stage").fetchall())
            )

    def unfinished(self) -> int:
        with psycopg.connect(self.stack.settings.database_url) as connection:
            row = connection.execute("SELECT count(*) FROM generations WHERE wake_at IS NOT NULL").fetchone()
        assert row is not None
        return int(row[0])

    def end_all(self) -> None:
        """Let the vendor end what it holds, and wait for the end of every order."""
        self.sandbox.delete_scenario(self._held)

        def left() -> int:
            # A create that was on its way is held, too.
            self.sandbox.finish(HOLD)
            return self.unfinished()

        eventually(left, lambda count: count == 0)

    def paid(self) -> Counter[int]:
        """How many orders have how many creates that the vendor accepted."""
        return Counter(len(self.sandbox.tasks(word)) for word in self.words.values())

    def breaches(self) -> list[str]:
        database, objects = self._database(), ObjectStore(self.stack.settings.s3)
        try:
            return [f"{one.subject}: {one.problem}" for one in audit(database, objects).breaches]
        finally:
            objects.close()
            database.dispose()

    def _database(self) -> Database:
        return Database(self.stack.settings.database_url)


def run(*command: str | Path, stack: Stack | None = None) -> str:
    environment = {**os.environ, **(stack.env if stack else {})}
    done = subprocess.run([*map(str, command)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def back_up(settings: Settings, store: Path, to: Path) -> datetime:
    """Copy the database first and the bucket second, beside the working system. Returns the moment of the backup."""
    run(BINARIES / "pg_dump", "--format=custom", f"--file={to / 'database'}", settings.database_url)
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    shutil.copytree(store, to / "store")
    assert row is not None
    moment: datetime = row[0]
    return moment


def restore(stack: Stack, store: Path, backup: Path) -> None:
    """Replace the database and the bucket by the backup."""
    url, _, name = stack.settings.database_url.rpartition("/")
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    run(BINARIES / "pg_restore", "--no-owner", f"--dbname={stack.settings.database_url}", backup / "database")
    shutil.rmtree(store)
    shutil.copytree(backup / "store", store)


def test_restored_system_pays_no_create_twice(stack: Stack, tmp_path: Path) -> None:
    store = stack.folder / "s3" / "data"
    with SandboxClient(stack.sandbox_url) as sandbox:
        world = World(stack, sandbox)
        world.order(QUICK)
        eventually(world.stages, lambda stages: stages["completed"] >= 5)
        world.order(HELD, held=True)
        at = back_up(stack.settings, store, tmp_path)
        world.order(AFTER)
        world.end_all()
        assert world.paid() == {1: BEFORE + AFTER}

        for name in WORKERS:
            stack.kill(name)
        restore(stack, store, tmp_path)
        before = world.stages()
        assert before["queued"] >= 5
        assert before["completed"] >= 5

        command = (sys.executable, "-m", "cli", "restored", "--at", at.isoformat(), "--json")
        tried = json.loads(run(*command, "--dry-run", stack=stack))
        assert (tried["dry_run"], tried["doubted"]) == (True, {"kie": before["queued"]})
        assert world.stages() == before
        told = json.loads(run(*command, "--reason", "a test", stack=stack))
        assert told["doubted"] == {"kie": before["queued"]}

        for name in WORKERS:
            stack.part(name).start()
        for name in WORKERS:
            stack.part(name).wait_until_ready()
        eventually(world.unfinished, lambda count: count == 0)

        assert world.paid() == {1: BEFORE + AFTER}
        after = world.stages()
        # The outcome of a create that was on its way at the backup is as unknown as that of a queued order.
        assert before["queued"] <= after["failed"] <= before["queued"] + before["submitting"]
        assert after == {"completed": BEFORE - after["failed"], "failed": after["failed"]}
        assert world.breaches() == []
