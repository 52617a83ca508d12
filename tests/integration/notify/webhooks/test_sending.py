"""Due deliveries reach their endpoints, and each try is recorded."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from standardwebhooks import Webhook

from notify.webhooks.sender import Try
from notify.webhooks.signing import SigningKey
from notify.webhooks.verdicts import verdict
from schemas.enums import ErrorCode
from schemas.settings import Settings
from schemas.webhooks import DeliveryState
from storage.database import Database
from storage.sql import of
from storage.webhooks import deliveries as stored
from storage.webhooks import sending as statements
from tests.integration.gateway.finishing import fail
from tests.integration.notify.webhooks.conftest import (
    SECRET,
    Sending,
    an_endpoint,
    attempts,
    deliveries,
    endpoint,
    pending,
    sending_with,
    until_states,
)
from tests.support import NewCustomer, a_generation, eventually
from tests.unit.notify.webhooks.test_signing import EARLIER, ed25519_is_right
from tests.webhook_receiver import HANG, Answer, Receiver

NO_PAUSE = {"pause_after_seconds": 86_400.0}


def answers(receiver: Receiver, *in_turn: Answer) -> None:
    """Answer the first messages so, and each later one with success."""
    left = list(in_turn)
    receiver.answer = lambda _: left.pop(0) if left else Answer()


def test_event_arrives_as_a_signed_message(
    database: Database, settings: Settings, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, f"{receiver.url}/hook", types=("generation.failed",))
    generation_id = a_generation(database, settings, customer)
    fail(database, settings, generation_id, ErrorCode.TIMEOUT, "too late")
    with sending():
        (message,) = receiver.until(1)
        (delivery,) = until_states(database, endpoint_id, "delivered")

    told = Webhook(SECRET).verify(message.body, dict(message.headers))
    assert (told["type"], told["data"]["generation_id"]) == ("generation.failed", str(generation_id))
    assert told["data"]["error"] == {"code": "timeout", "message": "too late"}
    assert (told["id"], told["sequence"]) == (str(delivery.event_id), delivery.event_id)
    public = SigningKey.of_installation(settings.secret_key.get_secret_value()).public
    assert ed25519_is_right(dict(message.headers), message.body, public)
    assert message.id == str(delivery.id)
    (attempt,) = attempts(database, delivery.id)
    assert (attempt.number, attempt.status, attempt.error) == (1, 204, None)


def test_message_is_the_same_in_each_try_and_has_the_time_of_the_try(
    database: Database, settings: Settings, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, receiver.url, failing_since=None)
    a_generation(database, settings, customer)
    answers(receiver, Answer(500, b"out of order"), Answer(503))
    began = time.time()
    with sending():
        messages = receiver.until(3)
        (delivery,) = until_states(database, endpoint_id, "delivered")

    assert len({(each.id, each.body) for each in messages}) == 1
    for each in messages:
        assert int(began) <= int(each.headers["webhook-timestamp"]) <= each.at
    made = attempts(database, delivery.id)
    assert [(each.number, each.status, each.error) for each in made] == [
        (1, 500, "status 500"), (2, 503, "status 503"), (3, 204, None),
    ]  # fmt: skip
    assert made[0].answer == "out of order"
    assert endpoint(database, endpoint_id).failing_since is None


def test_message_that_no_try_delivers_fails_and_leaves_the_endpoint_failing(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, receiver.url)
    pending(database, endpoint_id, 1)
    receiver.answer = lambda _: Answer(500)
    with sending():
        (delivery,) = until_states(database, endpoint_id, "failed")
    assert len(receiver.messages) == 3
    assert (delivery.tries, delivery.lease_until) == (3, None)
    assert delivery.ended_at is not None
    assert endpoint(database, endpoint_id).failing_since is not None


def test_message_that_cannot_be_signed_fails_and_delays_no_other(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    broken, good = (an_endpoint(database, customer, receiver.url) for _ in range(2))
    with database.transaction() as session:
        session.execute(text("UPDATE webhook_endpoints SET secret = 'whsec_?' WHERE id = :id"), {"id": broken})
    for each in (broken, good):
        pending(database, each, 1)
    with sending():
        (delivery,) = until_states(database, broken, "failed")
        until_states(database, good, "delivered")
    assert {each.error for each in attempts(database, delivery.id)} == {"an error of the sender: CallbackRefused"}


def test_both_secrets_sign_until_the_earlier_one_ends(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    tomorrow, yesterday = (datetime.now(UTC) + timedelta(days=days) for days in (1, -1))
    for path, until in (("/rotating", tomorrow), ("/rotated", yesterday)):
        made = an_endpoint(database, customer, receiver.url + path, earlier_secret=EARLIER, earlier_secret_until=until)
        pending(database, made, 1)
    with sending():
        receiver.until(2)
    (rotating,), (rotated,) = receiver.at("/rotating"), receiver.at("/rotated")
    for secret in (SECRET, EARLIER):
        Webhook(secret).verify(rotating.body, dict(rotating.headers))
    assert rotated.headers["webhook-signature"].count("v1,") == 1


def test_gone_endpoint_is_paused_and_the_others_are_told(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    gone = an_endpoint(database, customer, f"{receiver.url}/gone")
    an_endpoint(database, customer, f"{receiver.url}/other")
    an_endpoint(database, customer, f"{receiver.url}/ends", types=("generation.completed",))
    pending(database, gone, 1)
    receiver.answer = lambda message: Answer(410 if message.path == "/gone" else 200)
    with sending():
        (message,) = receiver.until(1, path="/other")
        until_states(database, gone, "dropped")
        pending(database, gone, 1)
        time.sleep(0.5)

    told = json.loads(message.body)
    assert (told["type"], told["data"]["endpoint_id"], told["data"]["reason"]) == ("endpoint.paused", str(gone), "gone")
    paused = endpoint(database, gone)
    assert (paused.paused_reason, paused.paused_at is not None) == ("gone", True)
    assert (len(receiver.at("/gone")), receiver.at("/ends")) == (1, [])
    assert [each.state for each in deliveries(database, gone)] == ["dropped", "pending"]


def test_endpoint_that_fails_for_days_is_paused_and_its_messages_wait_until_it_is_resumed(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    six_days_ago = datetime.now(UTC) - timedelta(days=6)
    endpoint_id = an_endpoint(database, customer, receiver.url, failing_since=six_days_ago)
    pending(database, endpoint_id, 1)
    answers(receiver, Answer(500))
    with sending():
        eventually(lambda: endpoint(database, endpoint_id), lambda found: found.paused_reason == "failing")
        assert [each.state for each in deliveries(database, endpoint_id)] == ["pending"]
        with database.transaction() as session:
            session.execute(text("UPDATE webhook_endpoints SET paused_at = NULL, paused_reason = NULL"))
        until_states(database, endpoint_id, "delivered")
    assert endpoint(database, endpoint_id).failing_since is None


def test_retry_after_puts_off_the_next_try(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, receiver.url)
    pending(database, endpoint_id, 1)
    answers(receiver, Answer(429, headers={"Retry-After": "3600"}))
    with sending():
        (delivery,) = eventually(
            lambda: deliveries(database, endpoint_id),
            lambda found: (found[0].lease_until, found[0].tries) == (None, 1),
        )
    assert delivery.next_at is not None
    assert timedelta(minutes=58) < delivery.next_at - datetime.now(UTC) < timedelta(minutes=61)


def test_success_with_a_malformed_retry_after_is_a_success(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, receiver.url)
    pending(database, endpoint_id, 1)
    answers(receiver, Answer(200, headers={"Retry-After": "Wed, 21 Oct 99999999999 07:28:00 GMT"}))
    with sending():
        (delivery,) = until_states(database, endpoint_id, "delivered")
    assert delivery.tries == 1


def test_hanging_endpoint_delays_no_other_endpoint_of_its_customer(
    database: Database, customer: NewCustomer, receiver: Receiver, webhook_settings: Settings
) -> None:
    patient = webhook_settings.webhooks.model_copy(update={"timeout_seconds": 600})
    hanging = an_endpoint(database, customer, f"{receiver.url}/hangs")
    pending(database, hanging, 500)
    receiver.answer = lambda message: HANG if message.path == "/hangs" else Answer()
    with sending_with(webhook_settings.model_copy(update={"webhooks": patient})):
        receiver.until(2, path="/hangs")
        good = an_endpoint(database, customer, f"{receiver.url}/good")
        pending(database, good, 100)
        until_states(database, good, *["delivered"] * 100)
    assert len(receiver.at("/hangs")) <= 10


def test_processes_share_the_work_and_send_each_message_once(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoints = [an_endpoint(database, customer, f"{receiver.url}/{number}") for number in range(5)]
    for each in endpoints:
        pending(database, each, 60)
    with sending(), sending():
        messages = receiver.until(300)
        for each in endpoints:
            until_states(database, each, *["delivered"] * 60)
    assert len({each.id for each in messages}) == len(receiver.messages) == 300


def test_claim_of_a_process_that_died_ends_after_seconds(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, receiver.url)
    pending(database, endpoint_id, 1)
    with database.transaction() as session:
        (claimed,) = statements.claim(of(session), {endpoint_id: 10}, lease_seconds=1)
    assert claimed.tries == 1
    with sending():
        (delivery,) = until_states(database, endpoint_id, "delivered")
    assert delivery.tries == 2


def test_process_that_lost_its_claim_records_its_try_and_leaves_the_delivery(
    database: Database, customer: NewCustomer
) -> None:
    endpoint_id = an_endpoint(database, customer, "https://shop.example")
    pending(database, endpoint_id, 1)
    claims = []
    for seconds in (0, 60):
        with database.transaction() as session:
            claims += statements.claim(of(session), {endpoint_id: 1}, lease_seconds=seconds)
    late, newest = (
        verdict(claimed, Try(datetime.now(UTC), 0.1, 500, error="status 500"), [60.0, 60.0]) for claimed in claims
    )
    with database.transaction() as session:
        statements.record(of(session), [replace(late, state=DeliveryState.FAILED, wait_seconds=None)], **NO_PAUSE)
    (delivery,) = deliveries(database, endpoint_id)
    assert (delivery.state, delivery.lease_until) == ("pending", newest.lease_until)
    # After an outage of the database, both may be in one transaction.
    with database.transaction() as session:
        statements.record(of(session), [late, newest], **NO_PAUSE)
    (delivery,) = deliveries(database, endpoint_id)
    assert (delivery.state, delivery.lease_until, delivery.tries) == ("pending", None, 2)
    assert [each.number for each in attempts(database, delivery.id)] == [1, 2, 3]


def test_process_that_ends_hands_back_its_claims(
    database: Database, customer: NewCustomer, receiver: Receiver, webhook_settings: Settings
) -> None:
    patient = webhook_settings.webhooks.model_copy(update={"timeout_seconds": 600})
    endpoint_id = an_endpoint(database, customer, receiver.url)
    pending(database, endpoint_id, 1)
    receiver.answer = lambda _: HANG
    with sending_with(webhook_settings.model_copy(update={"webhooks": patient})):
        receiver.until(1)
    (delivery,) = deliveries(database, endpoint_id)
    assert (delivery.state, delivery.tries, delivery.lease_until) == ("pending", 0, None)
    assert delivery.next_at is not None
    assert delivery.next_at <= datetime.now(UTC)


def test_delivery_whose_event_is_gone_is_dropped(
    database: Database, settings: Settings, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, receiver.url)
    a_generation(database, settings, customer)
    with database.transaction() as session:
        session.execute(text("DELETE FROM events"))
    with sending():
        until_states(database, endpoint_id, "dropped")
    assert receiver.messages == []


def test_message_whose_results_are_lost_again_and_again_is_given_up(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, receiver.url)
    pending(database, endpoint_id, 1)
    with database.transaction() as session:
        session.execute(text("UPDATE webhook_deliveries SET tries = 8"))
    with sending():
        until_states(database, endpoint_id, "failed")
    assert receiver.messages == []


def test_newest_attempts_of_a_delivery_are_kept(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, receiver.url)
    pending(database, endpoint_id, 1)
    earlier = """
        INSERT INTO webhook_attempts (delivery_id, number, status, seconds)
        SELECT id, number, 500, 0.1 FROM webhook_deliveries, generate_series(1, 101) AS number
    """
    with database.transaction() as session:
        session.execute(text(earlier))
    with sending():
        (delivery,) = until_states(database, endpoint_id, "delivered")
    with database.transaction() as session:
        shown = [each.number for each in stored.attempts(session, delivery.id)]
    assert shown == [each.number for each in attempts(database, delivery.id)] == list(range(3, 103))
