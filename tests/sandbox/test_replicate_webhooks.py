import json

import pytest

from sandbox.client import SandboxClient
from sandbox.scenarios import Match, Scenario
from sandbox.standard_webhooks import sign
from tests.sandbox.harness import WEBHOOK_SECRET, Received, Receiver, Replicate, eventually


def is_signed(callback: Received) -> bool:
    headers = callback.headers
    expected = sign(WEBHOOK_SECRET, headers["webhook-id"], headers["webhook-timestamp"], callback.body)
    return headers["webhook-signature"] == expected


def test_signature_equals_the_reference_vector() -> None:
    expected = "v1,7FsET15FuQriJ5QlYck6mwTdVnYx7DsL3XiJYsNy1FY="
    assert sign(WEBHOOK_SECRET, "msg_1", "1700000000", b'{"ok":true}') == expected


@pytest.mark.parametrize("events", [None, ["completed"], ["start", "completed"]])
def test_end_is_announced_with_prediction_and_signature(
    replicate: Replicate, receiver: Receiver, events: list[str] | None
) -> None:
    prediction_id = replicate.create(webhook=receiver.url, events=events)
    (callback,) = receiver.wait_for(1)
    assert json.loads(callback.body) == replicate.finish(prediction_id)
    assert callback.headers["content-type"] == "application/json"
    assert is_signed(callback)


def test_no_webhook_is_sent_without_the_completed_event(
    replicate: Replicate, sandbox: SandboxClient, receiver: Receiver
) -> None:
    silent = replicate.create(webhook=receiver.url, events=["start"])
    replicate.finish(silent)
    other = replicate.create(webhook=receiver.url, events=["completed"])
    (callback,) = receiver.wait_for(1)
    assert json.loads(callback.body)["id"] == other
    assert sandbox.tasks(replicate.word)[0].callbacks == []


def test_cancel_is_announced_once(replicate: Replicate, sandbox: SandboxClient, receiver: Receiver) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), seconds=3600))
    prediction_id = replicate.create(webhook=receiver.url, events=["completed"])
    replicate.cancel(prediction_id)
    replicate.cancel(prediction_id)
    (callback,) = receiver.wait_for(1)
    body = json.loads(callback.body)
    assert (body["id"], body["status"], body["output"]) == (prediction_id, "canceled", None)
    assert is_signed(callback)
    eventually(lambda: [sent.status for sent in sandbox.tasks(replicate.word)[0].callbacks] == [200])


def test_failure_is_announced(replicate: Replicate, sandbox: SandboxClient, receiver: Receiver) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), outcome="fail", fail_msg="NSFW"))
    replicate.create(webhook=receiver.url)
    (callback,) = receiver.wait_for(1)
    assert (json.loads(callback.body)["status"], json.loads(callback.body)["error"]) == ("failed", "NSFW")


def test_repeated_webhook_keeps_its_id(replicate: Replicate, receiver: Receiver) -> None:
    receiver.statuses = [500]
    replicate.create(webhook=receiver.url)
    first, again = receiver.wait_for(2)
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert is_signed(again)


def test_forged_webhook_claims_success_with_a_wrong_signature(
    replicate: Replicate, sandbox: SandboxClient, receiver: Receiver
) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), callback="forged", outcome="fail"))
    replicate.create(webhook=receiver.url)
    forged, true = receiver.wait_for(2)
    claim = json.loads(forged.body)
    assert claim["status"] == "succeeded"
    assert replicate.http.get(claim["output"]).status_code == 404
    assert not is_signed(forged)
    assert json.loads(true.body)["status"] == "failed"
    assert is_signed(true)


def test_webhook_can_be_sent_by_hand(replicate: Replicate, sandbox: SandboxClient, receiver: Receiver) -> None:
    prediction_id = replicate.create()
    replicate.finish(prediction_id)
    sandbox.send_callback(prediction_id, url=receiver.url)
    sandbox.send_callback(prediction_id, url=receiver.url, signed=False)
    sandbox.send_callback(prediction_id, url=receiver.url, signed="wrong", body={"id": prediction_id})
    signed, unsigned, wrong = receiver.received
    assert is_signed(signed)
    assert "webhook-signature" not in unsigned.headers
    assert not is_signed(wrong)
    assert json.loads(wrong.body) == {"id": prediction_id}
