"""`reelworks webhooks …`."""

import json
from uuid import UUID

import pytest

from schemas.settings import Settings
from schemas.tables import Generation
from storage import transitions
from storage.database import Database
from storage.sql import of
from storage.webhooks import endpoints
from tests.integration.command import Reelworks
from tests.support import NewCustomer, a_generation

URL = "https://shop.example/hooks"


@pytest.fixture
def endpoint_id(database: Database, settings: Settings, customer: NewCustomer) -> UUID:
    """An endpoint. The message about its cancelled generation has failed."""
    with database.transaction() as session:
        made = endpoints.create(session, customer.id, URL, types=["generation.cancelled"])
        assert made is not None
    generation_id = a_generation(database, settings, customer)
    with database.transaction() as session:
        transitions.cancel_unsent(of(session), session.get_one(Generation, generation_id))
    with database.statements() as sql:
        sql.run("UPDATE webhook_deliveries SET state = 'failed', tries = 9, ended_at = now()")
        sql.run("""
            INSERT INTO webhook_attempts (delivery_id, number, status, seconds, error, answer)
            SELECT id, 9, 503, 0.5, 'the answer was 503', 'come back later' FROM webhook_deliveries
        """)
    return made.id


def test_endpoints_are_listed_without_secrets(reelworks: Reelworks, endpoint_id: UUID, customer: NewCustomer) -> None:
    (told,) = json.loads(reelworks("webhooks", "list", str(customer.id), "--json").out)
    assert (told["id"], told["url"], told["types"], told["paused_at"]) == (
        str(endpoint_id), URL, "generation.cancelled", None,
    )  # fmt: skip
    assert "whsec_" not in json.dumps(told)
    assert URL in reelworks("webhooks", "list").out
    assert URL not in reelworks("webhooks", "list", "--paused").out


def test_paused_endpoint_is_listed_and_resumed(reelworks: Reelworks, endpoint_id: UUID) -> None:
    assert reelworks("webhooks", "pause", str(endpoint_id)).out == "paused\n"
    (told,) = json.loads(reelworks("webhooks", "list", "--paused", "--json").out)
    assert (told["id"], told["paused_reason"]) == (str(endpoint_id), "operator")
    assert reelworks("webhooks", "resume", str(endpoint_id)).out == "resumed\n"
    assert json.loads(reelworks("webhooks", "list", "--paused", "--json").out) == []


def test_message_is_shown_with_its_attempts_and_sent_once_more(reelworks: Reelworks, endpoint_id: UUID) -> None:
    (listed,) = json.loads(
        reelworks("webhooks", "deliveries", "--endpoint", str(endpoint_id), "--state", "failed", "--json").out
    )
    shown = json.loads(reelworks("webhooks", "show", listed["id"], "--json").out)
    assert (shown["state"], [each["answer"] for each in shown["attempts"]]) == ("failed", ["come back later"])
    assert "the answer was 503" in reelworks("webhooks", "show", listed["id"]).out

    assert reelworks("webhooks", "redeliver", listed["id"]).out == "1 message(s) are sent once more\n"
    again = json.loads(reelworks("webhooks", "show", listed["id"], "--json").out)
    assert (again["state"], again["tries"], again["ended_at"]) == ("pending", 0, None)


def test_messages_of_the_last_time_are_counted_and_sent_once_more(reelworks: Reelworks, endpoint_id: UUID) -> None:
    span = ("webhooks", "redeliver", "--endpoint", str(endpoint_id), "--last", "1h")

    assert reelworks(*span, "--dry-run").out == "1 message(s) would be sent once more\n"
    assert reelworks(*span).out == "1 message(s) are sent once more\n"
    assert reelworks(*span).out == "0 message(s) are sent once more\n"


@pytest.mark.parametrize("arguments", [(), ("--last", "1h"), ("--endpoint", str(UUID(int=1)))])
def test_redelivery_of_nothing_says_what_to_name(reelworks: Reelworks, arguments: tuple[str, ...]) -> None:
    answer = reelworks("webhooks", "redeliver", *arguments)
    assert (answer.status, "name a message, or --endpoint ID with --last TIME" in answer.err) == (2, True)


def test_unknown_endpoint_is_one_line(reelworks: Reelworks) -> None:
    answer = reelworks("webhooks", "pause", str(UUID(int=1)))
    assert (answer.status, answer.err) == (1, f"there is no webhook endpoint {UUID(int=1)}\n")
