"""The `reelworks` command against the run's services."""

import io
import json
import re
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from schemas.enums import SweepKind
from schemas.media_types import PNG
from schemas.setting_groups import InputSettings
from schemas.settings import Settings
from storage import customers, uploads
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from tests.integration.command import Ended, Reelworks
from tests.integration.gateway.finishing import complete
from tests.support import NewCustomer, a_generation


def _is_live(database: Database, key: str) -> bool:
    with database.transaction() as session:
        found = customers.authenticate(of(session), key)
    return found is not None and not found.key.is_revoked


def test_new_customer_has_a_working_key_and_no_credits(reelworks: Reelworks, database: Database) -> None:
    made = reelworks("customers", "create", "acme")

    customer_line, key_line = made.out.splitlines()
    assert _is_live(database, key_line.removeprefix("api key  "))
    shown = reelworks("credits", "show", customer_line.removeprefix("customer "))
    assert (shown.status, shown.out) == (0, "available 0, held 0\n")


def test_grant_with_the_same_reference_happens_once(reelworks: Reelworks, customer: NewCustomer) -> None:
    grant = ("credits", "grant", str(customer.id), "50", "--reference", "invoice-17")

    assert reelworks(*grant) == reelworks(*grant) == Ended(0, "available 150, held 0\n", "")


def test_used_reference_with_another_amount_is_refused_and_printed_unchanged(
    reelworks: Reelworks, customer: NewCustomer
) -> None:
    grant = ("credits", "grant", str(customer.id))
    reelworks(*grant, "50", "--reference", "[/x]")

    ended = reelworks(*grant, "60", "--reference", "[/x]")

    assert ended.status == 1
    assert ended.err.startswith("reference '[/x]' already stands for 50 credits, not 60")


def test_refund_returns_at_most_the_captured_credits(
    reelworks: Reelworks, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture")
    refund = ("credits", "refund", str(customer.id), str(generation_id))
    why = ("--reference", "ticket-1", "--reason", "wrong colour")

    assert reelworks(*refund, "10", *why) == Ended(0, "available 100, held 0\n", "")
    more = reelworks(*refund, "1", "--reference", "ticket-2", "--reason", "again")
    assert (more.status, more.err) == (1, "10 credits were captured and 10 refunded: 1 more is too much\n")


@pytest.mark.parametrize(("amount", "bound"), [(2**53, 2**53 - 1), (2**64, 2**53 - 1), (0, 1)])
def test_amount_out_of_range_is_refused(reelworks: Reelworks, customer: NewCustomer, amount: int, bound: int) -> None:
    ended = reelworks("credits", "grant", str(customer.id), str(amount), "--reference", "invoice-17")

    assert ended.status == 2
    assert f" {bound} " in ended.err


@pytest.mark.parametrize("command", [("grant", "5", "--reference", "x"), ("show",)])
def test_credits_of_an_unknown_customer_are_refused(reelworks: Reelworks, command: tuple[str, ...]) -> None:
    nobody = uuid4()

    ended = reelworks("credits", command[0], str(nobody), *command[1:])

    assert (ended.status, ended.err) == (1, f"there is no customer {nobody}\n")


@pytest.mark.parametrize("length", [8, None])
def test_key_is_revoked_by_its_prefix_or_whole(
    reelworks: Reelworks, database: Database, customer: NewCustomer, length: int | None
) -> None:
    other = reelworks("customers", "key", str(customer.id)).out.strip().removeprefix("api key  ")

    ended = reelworks("customers", "revoke", str(customer.id), customer.api_key[:length])

    assert (ended.status, ended.out) == (0, "1 key(s) revoked\n")
    assert not _is_live(database, customer.api_key)
    assert _is_live(database, other)


@pytest.mark.parametrize("given", ["%", "rw_", "rw______", "rw_%%%%%", "rw_unknown-key"])
def test_text_that_is_no_key_revokes_nothing_and_fails(
    reelworks: Reelworks, database: Database, customer: NewCustomer, given: str
) -> None:
    ended = reelworks("customers", "revoke", str(customer.id), given)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        f"customer {customer.id} has no live key like that: "
        "give the whole key, or exactly its first characters as listed\n"
    )
    assert _is_live(database, customer.api_key)


def test_key_of_another_customer_is_not_revoked(
    reelworks: Reelworks, database: Database, customer: NewCustomer
) -> None:
    assert reelworks("customers", "revoke", str(uuid4()), customer.api_key).status == 1
    assert _is_live(database, customer.api_key)


def test_audit_without_breaches_passes(reelworks: Reelworks) -> None:
    ended = reelworks("audit")

    assert (ended.status, ended.out.strip()) == (
        0,
        "Audit passed: 0 generations, 0 stored objects; the ledger sums to zero.",
    )


def test_audit_fails_when_an_object_is_missing(
    reelworks: Reelworks, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    asset = complete(database, settings, objects, generation_id, b"a picture")
    objects.remove(asset.object_key)

    ended = reelworks("audit")

    assert ended.status == 1
    assert f"rule 2  {generation_id}: object {asset.object_key} is not in the store" in ended.out


def test_audit_prints_one_json_document(
    reelworks: Reelworks, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    asset = complete(database, settings, objects, generation_id, b"a picture")
    objects.put_bytes(f"customers/{customer.id}/orphan.png", b"orphan", content_type="image/png")
    passed = reelworks("audit", "--json")
    objects.remove(asset.object_key)
    failed = reelworks("audit", "--json")

    told = json.loads(passed.out)
    assert told.pop("seconds") >= 0
    assert told == {
        "passed": True,
        "online": False,
        "generations": 1,
        "objects": 1,
        "orphans": 1,
        "orphan_bytes": 6,
        "breaches": [],
    }
    problem = f"object {asset.object_key} is not in the store"
    assert (passed.status, failed.status) == (0, 1)
    assert json.loads(failed.out)["breaches"] == [{"rule": 2, "subject": str(generation_id), "problem": problem}]


def test_online_audit_reads_no_object(
    reelworks: Reelworks, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture")
    away = {"REELWORKS_S3__ENDPOINT": "127.0.0.1:1"}
    passed = reelworks("audit", "--online", **away)
    with database.transaction() as session:
        session.execute(text("DELETE FROM assets"))
    failed = reelworks("audit", "--online", "--json", "--window", "5", **away)

    assert (passed.status, passed.out.strip()) == (
        0,
        "Audit passed: 1 generations, unfinished or finished in the last 0:15:00.",
    )
    told = json.loads(failed.out)
    assert (failed.status, told["online"], told["objects"]) == (1, True, 0)
    assert [breach["problem"] for breach in told["breaches"]] == ["completed without a stored result"]


@pytest.fixture
def with_keys(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> None:
    """Two generations with idempotency keys that finished long ago."""
    for number in range(2):
        complete(database, settings, objects, a_generation(database, settings, customer), b"a picture")
        with database.transaction() as session:
            session.execute(
                text("""
                    UPDATE generations SET idempotency_key = :key, finished_at = now() - interval '8 days'
                    WHERE idempotency_key IS NULL
                """),
                {"key": f"order-{number}"},
            )


@pytest.mark.usefixtures("with_keys")
def test_dry_run_counts_and_sweep_removes(reelworks: Reelworks) -> None:
    counts = []
    for options in (["--dry-run"], [], ["--dry-run"]):
        ended = reelworks("sweep", "--json", *options)
        told = json.loads(ended.out)
        assert (ended.status, told["dry_run"]) == (0, bool(options))
        counts.append({one["kind"]: one["count"] for one in told["swept"]})

    nothing = dict.fromkeys(map(str, SweepKind), 0)
    assert counts == [nothing | {"keys": 2}, nothing | {"keys": 2}, nothing]


@pytest.mark.usefixtures("with_keys")
def test_sweep_of_one_kind_leaves_the_others(reelworks: Reelworks) -> None:
    others = reelworks("sweep", "--only", "receipts", "--only", "objects")
    keys = reelworks("sweep", "--only", "keys")

    assert (others.status, keys.status) == (0, 0)
    assert "keys" not in others.out
    assert re.search(r"keys +│ +2 ", keys.out)
    assert "objects" not in keys.out


def test_the_kind_uploads_is_the_table_uploads(
    reelworks: Reelworks, database: Database, objects: ObjectStore, customer: NewCustomer
) -> None:
    week = timedelta(days=7)
    content = io.BytesIO(b"a picture")
    upload = uploads.store(database, objects, customer.id, content, PNG, InputSettings(), keep_for=week)
    with database.transaction() as session:
        session.execute(text("UPDATE uploads SET expires_at = now() - interval '1 hour'"))

    unfinished = reelworks("sweep", "--only", "multipart", "--json")
    expired = reelworks("sweep", "--only", "uploads", "--json")

    assert json.loads(unfinished.out)["swept"][0]["count"] == 0
    assert json.loads(expired.out)["swept"] == [
        {"kind": "uploads", "count": 1, "size_bytes": upload.size_bytes, "failed": 0, "interrupted_by": None}
    ]


def test_a_former_kind_of_sweep_is_taken_with_a_hint(reelworks: Reelworks) -> None:
    ended = reelworks("sweep", "--only", "inputs", "--json")

    assert (ended.status, [one["kind"] for one in json.loads(ended.out)["swept"]]) == (0, ["uploads"])
    assert "--only inputs is now --only uploads" in ended.err


def test_an_unknown_kind_of_sweep_is_refused_with_the_kinds_there_are(reelworks: Reelworks) -> None:
    ended = reelworks("sweep", "--only", "everything")

    assert ended.status == 2
    assert "assets, uploads, objects, multipart, receipts, keys" in " ".join(ended.err.replace("│", "").split())


def test_interrupted_sweep_names_the_error_and_exits_with_1(reelworks: Reelworks) -> None:
    ended = reelworks("sweep", REELWORKS_S3__ENDPOINT="127.0.0.1:1")

    assert ended.status == 1
    assert "objects was interrupted: MaxRetryError. The next sweep goes on." in ended.out


def test_second_migration_changes_nothing(reelworks: Reelworks) -> None:
    assert reelworks("migrate") == Ended(0, "The database and the bucket are ready.\n", "")


@pytest.mark.parametrize("command", [("migrate",), ("audit",), ("customers", "create", "acme")])
def test_outage_of_the_database_prints_one_line_without_the_password(
    reelworks: Reelworks, command: tuple[str, ...]
) -> None:
    ended = reelworks(*command, REELWORKS_DATABASE_URL="postgresql://reelworks:s3cret@127.0.0.1:1/reelworks")

    assert (ended.status, ended.out.strip()) == (1, "")
    [line] = ended.err.splitlines()
    assert line.startswith("the database at 127.0.0.1:1 does not answer: ")
    assert "s3cret" not in line


def test_outage_of_the_object_store_prints_one_line(reelworks: Reelworks) -> None:
    ended = reelworks("migrate", REELWORKS_S3__ENDPOINT="127.0.0.1:1")

    assert (ended.status, ended.err) == (1, "the object store at 127.0.0.1:1 does not answer: MaxRetryError\n")


def test_refusal_of_the_object_store_prints_one_line(reelworks: Reelworks, settings: Settings) -> None:
    ended = reelworks("migrate", REELWORKS_S3__SECRET_KEY="s3cret")

    assert (ended.status, ended.err) == (1, f"the object store at {settings.s3.endpoint} refuses: AccessDenied\n")


def test_version_is_printed(reelworks: Reelworks) -> None:
    ended = reelworks("--version")

    assert (ended.status, ended.out) == (0, f"reelworks {metadata.version('reelworks')}\n")


def test_warning_for_a_misspelt_variable_names_the_right_one(
    reelworks: Reelworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("_REELWORKS_VARIABLES_WERE_NAMED", raising=False)
    first = reelworks("audit", "--online", REELWORKS_GATEWAY_PROT="1")
    started_by_it = reelworks("audit", "--online")

    said = "warning: REELWORKS_GATEWAY_PROT is no setting and has no effect: do you mean REELWORKS_GATEWAY_PORT or"
    assert (first.status, first.err.startswith(said)) == (0, True)
    assert (started_by_it.status, started_by_it.err) == (0, "")


def test_production_start_without_a_secret_names_the_variable(reelworks: Reelworks) -> None:
    ended = reelworks("gateway", REELWORKS_ENVIRONMENT="production", REELWORKS_SECRET_KEY="")

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("REELWORKS_SECRET_KEY: must be set to a secret of your own in production")


@pytest.mark.parametrize("command", ["up", "demo", "gateway", "worker"])
def test_misspelt_account_is_refused_once_before_any_process_starts(reelworks: Reelworks, command: str) -> None:
    ended = reelworks(command, REELWORKS_PROVIDERS__KEI__API_KEY="x")

    assert (ended.status, ended.out) == (1, "")
    [line] = ended.err.splitlines()
    assert line.startswith("there is no adapter 'kei' for the account kei: set REELWORKS_PROVIDERS__KEI__ADAPTER")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("REELWORKS_REDIS_URL", "s3cret", "must be redis://"),
        ("REELWORKS_S3__ENDPOINT", "http://s3cret", "must be HOST or HOST:PORT"),
        ("REELWORKS_GATEWAY_PORT", "s3cret", "valid integer"),
        ("REELWORKS_DOWNLOADS__ALLOWED_PRIVATE_NETWORKS", "s3cret", "must be JSON"),
    ],
)
def test_error_names_a_wrong_setting_without_its_value(
    reelworks: Reelworks, name: str, value: str, problem: str
) -> None:
    ended = reelworks("audit", **{name: value})

    assert ended.status == 2
    [line] = ended.err.splitlines()
    assert problem in line
    assert "s3cret" not in line


@pytest.mark.parametrize("command", [("gateway",), ("worker", "--role", "provider")])
def test_process_does_not_start_with_an_unusable_account(reelworks: Reelworks, command: tuple[str, ...]) -> None:
    environment = {"REELWORKS_PROVIDERS__MINE__ADAPTER": "openai_videos", "REELWORKS_PROVIDERS__MINE__API_KEY": "x"}
    ended = reelworks(*command, **environment)
    assert (ended.status, ended.out) == (1, "")
    assert "set REELWORKS_PROVIDERS__MINE__BASE_URL" in ended.err
