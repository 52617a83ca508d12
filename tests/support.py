"""What many tests need and pytest does not give."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
import structlog
from psycopg.errors import DeadlockDetected
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs
from structlog.typing import EventDict, Processor, WrappedLogger
from tenacity import retry, retry_if_exception, stop_after_attempt

from schemas.enums import Kind, Scope
from schemas.orders import GenerationRequest, Inputs, Order, Route
from schemas.settings import Settings
from schemas.tables import Generation
from schemas.unprefixed import UNPREFIXED
from storage import acceptance, api_keys, customers, ledger, shares
from storage.claims import Claim
from storage.database import Database
from storage.sql import of

T = TypeVar("T")

# In an order that foreign keys allow. The two accounts that exist once stay. The lock keeps out the rows that a living
# gateway writes about a generation between two deletes.
EMPTY = """
    LOCK TABLE generations IN EXCLUSIVE MODE;
    DELETE FROM ledger_transfers; DELETE FROM ledger_accounts WHERE customer_id IS NOT NULL; DELETE FROM assets;
    DELETE FROM variant_files; DELETE FROM variants; DELETE FROM runs_to_stop;
    DELETE FROM uploads; DELETE FROM events; DELETE FROM callback_receipts; DELETE FROM generation_labels;
    DELETE FROM generation_terms; DELETE FROM generation_downloads; DELETE FROM shares; DELETE FROM order_digests;
    DELETE FROM webhook_deliveries; DELETE FROM webhook_generations; DELETE FROM webhook_endpoints;
    DELETE FROM admissions; DELETE FROM quota_orders; DELETE FROM continuations; DELETE FROM generations;
    DELETE FROM customer_limits; DELETE FROM key_spending; DELETE FROM studio_sessions; DELETE FROM studio_views;
    DELETE FROM api_keys;
    DELETE FROM customers; DELETE FROM services;
    DELETE FROM stream_positions; DELETE FROM admission_accounts; DELETE FROM admission_shares;
    DELETE FROM admission_tickets; DELETE FROM admission_creates; DELETE FROM admission_pauses;
    DELETE FROM admission_changes; DELETE FROM admission_corrections; DELETE FROM admission_costs;
    DELETE FROM admission_families;
    DELETE FROM route_health; DELETE FROM route_changes;
    DELETE FROM drains; DELETE FROM worker_processes; DELETE FROM secret_keys;
"""


@dataclass(frozen=True)
class NewCustomer:
    """A customer of one test."""

    id: UUID
    api_key: str

    @property
    def headers(self) -> dict[str, str]:
        """What authenticates a request."""
        return {"Authorization": f"Bearer {self.api_key}"}


def variables_set() -> list[str]:
    """The variables of the developer's shell that settings are read from."""
    return [name for name in os.environ if name.upper().startswith("REELWORKS_") or name.upper() in UNPREFIXED]


def clean_settings() -> Settings:
    """The defaults, whatever the developer's shell and `.env` say."""
    kept = {name: os.environ.pop(name) for name in variables_set()}
    try:
        return Settings(_env_file=None)
    finally:
        os.environ.update(kept)


def _is_deadlock(error: BaseException) -> bool:
    return isinstance(error, OperationalError) and isinstance(error.orig, DeadlockDetected)


# A living gateway may lock rows of several tables in its own order.
@retry(retry=retry_if_exception(_is_deadlock), stop=stop_after_attempt(10), reraise=True)
def empty(database: Database) -> None:
    """Delete every row that a test may have left."""
    with database.transaction() as session:
        session.execute(text(EMPTY))


def new_customer(database: Database, amount: int) -> NewCustomer:
    """A customer with credits and an API key."""
    with database.transaction() as session:
        customer = customers.create_customer(session, "a test")
        key = customers.create_api_key(session, customer.id)
        if amount:
            ledger.grant(session, customer.id, amount, reference="test")
    return NewCustomer(customer.id, key)


def operator_key(database: Database) -> str:
    """A key of the operator with every scope."""
    with database.transaction() as session:
        return api_keys.create(session, api_keys.OPERATOR, api_keys.Terms(scopes=tuple(Scope))).material


def an_order(*, price: int = 10, routes: int = 1, deadline_seconds: float | None = None) -> Order:
    """An image of 10 credits."""
    return Order(
        kind=Kind.IMAGE,
        model="nano-banana",
        routes=[Route(provider="kie", model="google/nano-banana") for _ in range(routes)],
        inputs=Inputs(prompt="a lighthouse", aspect_ratio="1:1", output_format="png"),
        credits=price,
        file_extension="png",
        deadline_seconds=deadline_seconds,
    )


def a_video() -> Order:
    """A video of 10 credits."""
    inputs = Inputs(prompt="a boat", aspect_ratio="9:16", duration_seconds=4, enhance_prompt=True)
    changes = {"kind": Kind.VIDEO, "model": "veo-3-fast", "inputs": inputs, "file_extension": "mp4"}
    return an_order().model_copy(update=changes)


def a_generation(
    database: Database, settings: Settings, customer: NewCustomer, order: Order | None = None, *, prompt: str = ""
) -> UUID:
    """An accepted generation."""
    request = GenerationRequest(model="nano-banana", prompt=prompt or f"a lighthouse {uuid4()}")
    with database.transaction() as session:
        accepted = acceptance.accept(
            of(session), customer.id, request, lambda *_: order or an_order(), settings.pipeline
        )
    return accepted.generation.id


def some_claim(claim: Claim | None) -> Claim:
    """The claim, which must be there."""
    assert claim is not None
    return claim


def a_share(database: Database, generation_id: UUID, *, expires_in: timedelta = timedelta(days=1)) -> UUID:
    """A share of a generation."""
    with database.transaction() as session:
        share = shares.create(session, session.get_one(Generation, generation_id), expires_in=expires_in)
        assert share is not None
        return share.id


def eventually(read: Callable[[], T], is_there: Callable[[T], bool], *, seconds: float = 300.0) -> T:
    """What `read` gives once it is as it should be; the time limit only ends a test that cannot succeed."""
    give_up_at = time.monotonic() + seconds
    while not is_there(value := read()):
        assert time.monotonic() < give_up_at, f"still {value!r} after {seconds:.0f} s"
        time.sleep(0.1)
    return value


@contextmanager
def own_logs(processors: Iterable[Processor] = ()) -> Iterator[list[EventDict]]:
    """The log lines of this thread, after these processors. Gateways of other tests log from threads of the process."""
    own = threading.get_ident()

    def only_own(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        if threading.get_ident() != own:
            raise structlog.DropEvent
        return line

    with capture_logs(processors=[only_own, *processors]) as lines:
        yield lines


def own_records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What this thread told the standard library's log."""
    return [record for record in caplog.records if record.thread == threading.get_ident()]


# All tests share one PostgreSQL server. A test counts the sessions of its own database.
_WAITING = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE :statement
""")


def sessions_that_wait(database: Database, statement: str = "%") -> int:
    """The number of sessions of the database that wait for a lock, in a statement like `statement`."""
    with database.transaction() as session:
        found: int = session.execute(_WAITING, {"statement": statement}).scalar_one()
        return found


def until_sessions_wait(database: Database, count: int) -> None:
    """Return when so many sessions of the database wait for a lock."""
    eventually(lambda: sessions_that_wait(database), lambda found: found == count)


def until_an_insert_waits(database: Database) -> None:
    """Return when the insert of a generation waits for a lock."""
    eventually(lambda: sessions_that_wait(database, "%INSERT INTO generations%"), bool)


def with_kie_account(settings: Settings) -> Settings:
    """Settings in which the provider Kie is configured."""
    kie = settings.providers.named("kie").model_copy(
        update={
            "api_key": SecretStr("kie-api-key"),
            "webhook_key": SecretStr("kie-test-key"),
            "base_url": "http://127.0.0.1:1/kie",
        }
    )
    return settings.model_copy(update={"providers": settings.providers.with_accounts(kie=kie)})
