"""The infrastructure of a peer without the peer: services, database and vendor."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import SecretStr

from bench.peers import ledger
from bench.peers.peer import own_database
from bench.subjects.protocols import Infrastructure
from sandbox.client import SandboxClient
from schemas.settings import Settings
from stack.ports import free_port
from tests.sandbox.harness import KEY, PATIENCE_SECONDS, WEBHOOK_SECRET, start_sandbox


@pytest.fixture(scope="session")
def vendor_url() -> Iterator[str]:
    """A sandbox without limits."""
    port = free_port()
    process = start_sandbox(port)
    with SandboxClient(f"http://127.0.0.1:{port}") as sandbox:
        sandbox.lift_limits()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def vendor(vendor_url: str) -> Iterator[SandboxClient]:
    with SandboxClient(vendor_url) as sandbox:
        yield sandbox


@pytest.fixture
def infrastructure(settings: Settings, vendor_url: str, tmp_path: Path) -> Infrastructure:
    account = settings.providers.named("kie").model_copy(
        update={"base_url": f"{vendor_url}/kie", "api_key": SecretStr(KEY), "webhook_key": SecretStr(WEBHOOK_SECRET)}
    )
    providers = settings.providers.with_accounts(kie=account)
    return Infrastructure(tmp_path, settings.model_copy(update={"providers": providers}), vendor_url)


@pytest.fixture
def books(infrastructure: Infrastructure) -> Iterator[psycopg.Connection]:
    """A peer's database with empty tables."""
    with (
        own_database(infrastructure, f"peer_{uuid4().hex}") as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        connection.execute(ledger.SCHEMA)
        yield connection


@pytest.fixture
def customer_id(books: psycopg.Connection) -> UUID:
    """A customer with the key `a key` and credits for two and a half orders."""
    customer_id = uuid4()
    opened = {"customer_id": customer_id, "key_hash": ledger.key_hash("a key"), "credits": 5 * ledger.PRICE // 2}
    books.execute(ledger.OPEN, opened)
    return customer_id
