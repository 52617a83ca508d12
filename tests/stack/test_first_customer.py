from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.first_customer import ensure_first_customer
from stack.stack import Stack
from storage import customers, ledger
from storage.database import Database
from storage.development import CREDITS
from storage.sql import of
from tests.support import empty

Greet = Callable[[], str]


@pytest.fixture
def greet(services: Stack, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Greet:
    """Creates the first customer in `tmp_path` and returns the greeting."""

    def greet() -> str:
        ensure_first_customer(services.settings.model_copy(update={"data_folder": tmp_path}))
        return capsys.readouterr().out

    return greet


@pytest.fixture
def database(services: Stack) -> Iterator[Database]:
    """The empty database of the run."""
    database = Database(services.settings.database_url)
    empty(database)
    yield database
    database.dispose()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "development-api-key"


def customer_of(database: Database, key_file: Path) -> tuple[str, str, int]:
    with database.transaction() as session:
        found = customers.authenticate(of(session), key_file.read_text())
        assert found is not None
        customer = found.customer
        assert customer is not None
        return str(customer.id), customer.name, ledger.balance(session, customer.id).available


def test_greeting_shows_the_first_customer_and_a_working_key(greet: Greet, database: Database, key_file: Path) -> None:
    said = greet()

    customer_id, name, credits_ = customer_of(database, key_file)
    assert (name, credits_) == ("development", CREDITS)
    assert said.startswith(f"Reelworks is ready. Customer 'development' ({customer_id}) ")
    assert f"$(cat {key_file})" in said
    assert "reelworks urls" in said


def test_a_working_key_is_kept(greet: Greet, key_file: Path) -> None:
    first, key = greet(), key_file.read_text()
    assert greet() == first
    assert key_file.read_text() == key


@pytest.mark.parametrize("damage", ["", "\n", "rw_of-another-database"])
def test_an_invalid_key_counts_as_absent(greet: Greet, database: Database, key_file: Path, damage: str) -> None:
    greet()
    before = customer_of(database, key_file)
    key_file.write_text(damage)

    greet()

    assert customer_of(database, key_file) == before
