"""The commands that list rows, and the commands that change customers, keys and credits."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage import customers, ledger
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from tests.integration.command import Ended, Reelworks
from tests.integration.gateway.finishing import complete, fail
from tests.support import NewCustomer, a_generation, new_customer


def told(ended: Ended) -> Any:
    """The JSON of a command."""
    assert (ended.status, ended.err) == (0, "")
    return json.loads(ended.out)


def lines(ended: Ended) -> list[list[str]]:
    """The cells of a table with the heading first. Two spaces separate cells."""
    assert (ended.status, ended.err) == (0, "")
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in ended.out.splitlines()]


def test_customers_are_listed_with_credits_newest_first(
    reelworks: Reelworks, database: Database, settings: Settings
) -> None:
    first, second = new_customer(database, 0), new_customer(database, 100)
    a_generation(database, settings, second)

    listed = told(reelworks("customers", "list", "--json"))

    assert [(one["id"], one["available"], one["held"], one["keys"]) for one in listed] == [
        (str(second.id), 90, 10, 1),
        (str(first.id), 0, 0, 1),
    ]
    assert [cells[0] for cells in lines(reelworks("customers", "list"))] == ["id", str(second.id), str(first.id)]
    assert [cells[0] for cells in lines(reelworks("customers", "list", "--limit", "1"))] == ["id", str(second.id)]


def test_customers_are_found_by_name(reelworks: Reelworks, customer: NewCustomer) -> None:
    made = reelworks("customers", "create", "[acme]").out

    listed = told(reelworks("customers", "list", "[acme]", "--json"))

    assert [(one["id"], one["name"]) for one in listed] == [(made.split()[1], "[acme]")]
    assert "[acme]" in reelworks("customers", "list").out
    assert told(reelworks("customers", "list", "acme", "--json")) == []


def test_second_customer_of_a_name_needs_force(reelworks: Reelworks, database: Database) -> None:
    first = reelworks("customers", "create", "acme").out.split()[1]

    again = reelworks("customers", "create", "acme")
    assert (again.status, again.out) == (2, "")
    assert again.err.startswith(f"customer {first} is called 'acme' already: `reelworks keys create {first}` makes")
    assert len(told(reelworks("customers", "list", "--json"))) == 1

    forced = reelworks("customers", "create", "acme", "--force")
    assert forced.status == 0
    assert forced.out.split()[1] != first


@pytest.mark.parametrize("group", ["keys", "customers"])
def test_key_is_created_listed_and_revoked(
    reelworks: Reelworks, database: Database, customer: NewCustomer, group: str
) -> None:
    create, revoke = ("create", "revoke") if group == "keys" else ("key", "revoke")
    key = reelworks(group, create, str(customer.id)).out.strip().removeprefix("api key  ")
    listed = told(reelworks("keys", "list", str(customer.id), "--json"))
    assert [(one["prefix"], one["customer_id"]) for one in listed] == [
        (key[:8], str(customer.id)),
        (customer.api_key[:8], str(customer.id)),
    ]

    assert reelworks(group, revoke, str(customer.id), key[:8]) == Ended(0, "1 key(s) revoked\n", "")

    with database.transaction() as session:
        found = customers.authenticate(of(session), key)
    assert found is not None
    assert found.key.is_revoked
    left = told(reelworks("keys", "list", "--json"))
    assert [one["prefix"] for one in left] == [customer.api_key[:8]]
    every = told(reelworks("keys", "list", "--revoked", "--json"))
    assert [one["revoked_at"] is None for one in every] == [False, True]


def test_no_list_holds_a_key_or_a_prompt(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    a_generation(database, settings, customer, prompt="nobody else may read this")

    for command in (["keys", "list"], ["customers", "list"], ["generations", "list"]):
        for form in ([], ["--json"]):
            shown = reelworks(*command, *form).out
            assert customer.api_key not in shown
            assert "nobody else" not in shown


@pytest.fixture
def three(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> list[UUID]:
    """A completed, a failed and a queued generation. The queued generation belongs to another customer."""
    completed, failed = (a_generation(database, settings, customer) for _ in range(2))
    complete(database, settings, objects, completed, b"a picture")
    fail(database, settings, failed, ErrorCode.TIMEOUT, "not finished before its deadline")
    return [completed, failed, a_generation(database, settings, new_customer(database, 100))]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [2, 1, 0]),
        (["--limit", "2"], [2, 1]),
        (["--stage", "failed"], [1]),
        (["--stage", "queued", "--stage", "storing"], [2]),
        (["--stage", "queued", "--stage", "completed"], [2, 0]),
        (["--status", "failed", "--status", "completed"], [1, 0]),
        (["--status", "processing"], []),
        (["--status", "completed", "--stage", "queued"], [2, 0]),
        (["--provider", "kie", "--kind", "image", "--model", "nano-banana", "--limit", "2"], [2, 1]),
        (["--provider", "replicate"], []),
        (["--kind", "video"], []),
        (["--model", "veo-3"], []),
        (["--error-code", "timeout"], [1]),
        (["--error-code", "internal"], []),
    ],
)
def test_generations_are_listed_by_stage_newest_first(
    reelworks: Reelworks, three: list[UUID], options: list[str], expected: list[int]
) -> None:
    ids = [str(three[index]) for index in expected]

    assert [one["id"] for one in told(reelworks("generations", "list", "--json", *options))] == ids
    assert [cells[0] for cells in lines(reelworks("generations", "list", *options))] == ["id", *ids]


def test_generations_are_listed_by_customer(reelworks: Reelworks, three: list[UUID], customer: NewCustomer) -> None:
    listed = told(reelworks("generations", "list", "--customer", str(customer.id), "--json"))

    assert [one["id"] for one in listed] == [str(three[1]), str(three[0])]
    assert [(one["error_code"], one["status"]) for one in listed] == [("timeout", "failed"), (None, "completed")]


def test_list_without_matches_is_empty_and_no_error(reelworks: Reelworks, database: Database) -> None:
    assert told(reelworks("generations", "list", "--json")) == []
    assert len(lines(reelworks("generations", "list"))) == 1


@pytest.mark.parametrize("command", [["generations", "list", "--stage", "done"], ["keys", "list", "acme"]])
def test_invalid_filter_is_refused(reelworks: Reelworks, command: list[str]) -> None:
    assert reelworks(*command).status == 2


WHY = ("--reference", "ticket-1", "--reason", "wrong colour")


def test_refused_refund_names_the_missing_customer_generation_or_capture(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer, three: list[UUID]
) -> None:
    nobody, nothing = uuid4(), uuid4()
    completed, failed, others = three
    own_queued = a_generation(database, settings, customer)

    def refused(customer_id: UUID, generation_id: UUID) -> str:
        ended = reelworks("credits", "refund", str(customer_id), str(generation_id), "1", *WHY)
        assert (ended.status, ended.out) == (1, "")
        return ended.err.strip()

    assert refused(nobody, completed) == f"there is no customer {nobody}"
    assert refused(customer.id, nothing) == f"customer {customer.id} has no generation {nothing}"
    assert refused(customer.id, others) == f"customer {customer.id} has no generation {others}"
    assert refused(customer.id, failed) == f"generation {failed} cost nothing: its 10 credits came back when it ended"
    assert refused(customer.id, own_queued) == (
        f"generation {own_queued} has cost nothing yet: its 10 credits are held until it ends"
    )
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == ledger.Balance(available=80, held=10)


def test_refund_to_another_customer_is_refused(
    reelworks: Reelworks, database: Database, customer: NewCustomer, three: list[UUID]
) -> None:
    other = new_customer(database, 0)

    ended = reelworks("credits", "refund", str(other.id), str(three[0]), "10", *WHY)

    assert (ended.status, ended.err) == (1, f"customer {other.id} has no generation {three[0]}\n")
    assert reelworks("credits", "show", str(other.id)).out == "available 0, held 0\n"


def test_reference_of_a_refund_belongs_to_one_generation(
    reelworks: Reelworks,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    three: list[UUID],
) -> None:
    other = a_generation(database, settings, customer)
    complete(database, settings, objects, other, b"another picture")
    assert reelworks("credits", "refund", str(customer.id), str(three[0]), "10", *WHY).status == 0

    ended = reelworks("credits", "refund", str(customer.id), str(other), "10", *WHY)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"reference 'ticket-1' already stands for generation {three[0]}: use a new reference")
