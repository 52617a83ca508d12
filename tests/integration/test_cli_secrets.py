"""`reelworks secrets`: which keys signed, what depends on them, and a new key."""

import json
import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from schemas.link_tokens import fingerprint
from schemas.settings import Settings
from storage import secret_keys
from storage.database import Database
from tests.integration.command import Reelworks
from tests.support import NewCustomer, a_generation, a_share

EARLIER = "the key of last year"


@pytest.fixture
def generation_id(database: Database, settings: Settings, customer: NewCustomer) -> UUID:
    """A generation whose create left while both keys were in use."""
    made = a_generation(database, settings, customer)
    with database.transaction() as session:
        session.execute(text("UPDATE generations SET stage = 'generating', started_at = now()"))
    with database.statement() as sql:
        secret_keys.signs(sql, fingerprint(EARLIER))
        secret_keys.signs(sql, fingerprint(settings.secret_key.get_secret_value()))
    return made


def advice(out: str, key: str) -> str:
    (state,) = [one for one in json.loads(out)["keys"] if one["key"]["fingerprint"] == fingerprint(key)]
    return str(state["advice"])


@pytest.mark.usefixtures("generation_id")
def test_check_fails_while_a_needed_key_is_not_accepted(reelworks: Reelworks) -> None:
    missing = reelworks("secrets", "check", "--json")
    assert missing.status == 1
    assert advice(missing.out, EARLIER).startswith("is not accepted: add the key")

    given = {"REELWORKS_ALSO_ACCEPTED_SECRET_KEYS": json.dumps([EARLIER])}
    there = reelworks("secrets", "check", "--json", **given)
    assert there.status == 0
    assert advice(there.out, EARLIER) == "is accepted, and must stay"
    shown = reelworks("secrets", "check", **given).out
    assert "1 generations at their providers" in shown
    assert EARLIER not in shown


def test_key_may_go_when_nothing_depends_on_it(reelworks: Reelworks, database: Database, generation_id: UUID) -> None:
    share = a_share(database, generation_id, expires_in=timedelta(days=30))
    with database.transaction() as session:
        session.execute(text("UPDATE generations SET stage = 'failed', error_code = 'timeout', error_message = 'late', "
                             "wake_at = NULL, finished_at = now()"))  # fmt: skip
        session.execute(text("UPDATE secret_keys SET last_signed_at = now() + interval '1 s' - interval '3 days'"))
        session.execute(text("UPDATE shares SET created_at = now() - interval '4 days'"))
    given = {"REELWORKS_ALSO_ACCEPTED_SECRET_KEYS": json.dumps([EARLIER])}
    assert advice(reelworks("secrets", "check", "--json", **given).out, EARLIER) == "is accepted, and must stay"

    with database.transaction() as session:
        session.execute(text("UPDATE shares SET revoked_at = now() WHERE id = :id"), {"id": share})
    told = advice(reelworks("secrets", "check", "--json", **given).out, EARLIER)
    assert told.endswith("take it out of REELWORKS_ALSO_ACCEPTED_SECRET_KEYS")


@pytest.mark.usefixtures("generation_id")
def test_rotate_prints_a_new_key_once_and_records_its_fingerprint(reelworks: Reelworks) -> None:
    tried = reelworks("secrets", "rotate", "--dry-run")
    assert "(the new key)" in tried.out
    assert json.loads(reelworks("limits", "history", "--json").out) == []

    made = reelworks("secrets", "rotate", "--reason", "a test").out
    key = re.findall(r"REELWORKS_SECRET_KEY=([0-9a-f]{64})\n", made)[0]
    assert f'REELWORKS_ALSO_ACCEPTED_SECRET_KEYS=["{key}"]' in made
    history = reelworks("limits", "history", "--json").out
    assert key not in history
    (change,) = json.loads(history)
    assert (change["action"], change["name"], change["reason"], change["after"]) == (
        "rotate",
        "REELWORKS_SECRET_KEY",
        "a test",
        {"fingerprint": fingerprint(key)},
    )
