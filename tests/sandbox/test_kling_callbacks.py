import json

import pytest

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from sandbox.standard_webhooks import sign
from tests.sandbox.harness import WEBHOOK_SECRET, Kling, Received, Receiver, eventually

TINY = Delivered(width=64, height=64)


def is_signed(callback: Received) -> bool:
    headers = callback.headers
    expected = sign(WEBHOOK_SECRET, headers["webhook-id"], headers["webhook-timestamp"], callback.body)
    return headers["webhook-signature"] == expected


def statuses(callbacks: list[Received]) -> list[str]:
    return [json.loads(callback.body)["status"] for callback in callbacks]


def in_order(callbacks: list[Received]) -> list[Received]:
    """The callbacks ordered by status: two on separate connections may overtake each other."""
    return sorted(callbacks, key=lambda callback: str(json.loads(callback.body)["status"]))


def misbehave(sandbox: SandboxClient, kling: Kling, **fields: object) -> None:
    match = Match(prompt_contains=kling.word)
    sandbox.add_scenario(Scenario.model_validate({"match": match, "delivered": TINY, **fields}))


def test_every_change_of_state_is_announced_with_task_and_signature(
    kling: Kling, sandbox: SandboxClient, receiver: Receiver
) -> None:
    misbehave(sandbox, kling, seconds=1)
    task_id = kling.create(callback_url=receiver.url, external_task_id="ours-1")
    callbacks = in_order(receiver.wait_for(2))

    assert statuses(callbacks) == ["processing", "succeeded"]
    assert json.loads(callbacks[1].body) == kling.finish(task_id)
    assert all(is_signed(callback) for callback in callbacks)
    assert len({callback.headers["webhook-id"] for callback in callbacks}) == 2


def test_failure_is_announced(kling: Kling, sandbox: SandboxClient, receiver: Receiver) -> None:
    misbehave(sandbox, kling, seconds=1, outcome="fail", fail_msg="Risk control")
    kling.create(callback_url=receiver.url)
    end, begin = in_order(receiver.wait_for(2))

    assert statuses([begin, end]) == ["processing", "failed"]
    assert json.loads(end.body)["message"] == "Risk control"


def test_repeated_callback_keeps_its_id(kling: Kling, sandbox: SandboxClient, receiver: Receiver) -> None:
    misbehave(sandbox, kling, seconds=0)
    receiver.statuses = [500] * 2
    kling.create(callback_url=receiver.url)
    callbacks = receiver.wait_for(4)

    # Chance decides whether one callback was refused twice or both were refused once.
    told = {(callback.headers["webhook-id"], callback.body) for callback in callbacks}
    assert len(told) == len({message_id for message_id, _ in told}) == 2


def test_lost_callbacks_are_never_sent(kling: Kling, sandbox: SandboxClient, receiver: Receiver) -> None:
    misbehave(sandbox, kling, callback="lost")
    kling.finish(kling.create(callback_url=receiver.url))

    assert sandbox.tasks(kling.word)[0].callbacks == []
    assert receiver.received == []


def test_early_callbacks_arrive_before_the_create_is_answered(
    kling: Kling, sandbox: SandboxClient, receiver: Receiver
) -> None:
    misbehave(sandbox, kling, callback="early")
    answer = kling.post_text(options={"callback_url": receiver.url})

    assert statuses(in_order(receiver.received)) == ["processing", "succeeded"]
    assert answer.json()["data"]["status"] == "submitted"


def test_doubled_callback_arrives_three_times(kling: Kling, sandbox: SandboxClient, receiver: Receiver) -> None:
    misbehave(sandbox, kling, callback="doubled", seconds=1)
    kling.create(callback_url=receiver.url)

    assert statuses(in_order(receiver.wait_for(6))) == ["processing"] * 3 + ["succeeded"] * 3


def test_late_callback_has_the_state_of_its_due_time(kling: Kling, sandbox: SandboxClient, receiver: Receiver) -> None:
    misbehave(sandbox, kling, callback="late", callback_delay_seconds=0.4, seconds=0.2)
    kling.finish(kling.create(callback_url=receiver.url))

    assert statuses(in_order(receiver.wait_for(2))) == ["processing", "succeeded"]


def test_forged_callback_claims_success_with_a_wrong_signature(
    kling: Kling, sandbox: SandboxClient, receiver: Receiver
) -> None:
    misbehave(sandbox, kling, callback="forged", outcome="fail", seconds=1)
    kling.create(callback_url=receiver.url)
    *true, forged = in_order(receiver.wait_for(3))

    claim = json.loads(forged.body)
    assert claim["status"] == "succeeded"
    assert kling.http.get(claim["outputs"][0]["url"]).status_code == 404
    assert not is_signed(forged)
    assert statuses(true) == ["failed", "processing"]
    assert all(is_signed(callback) for callback in true)
    eventually(lambda: len(sandbox.tasks(kling.word)[0].callbacks) == 3)


@pytest.mark.parametrize("signed", [False, True])
def test_callback_can_be_sent_by_hand(kling: Kling, sandbox: SandboxClient, receiver: Receiver, signed: bool) -> None:
    task_id = kling.create()
    record = kling.finish(task_id)
    sandbox.send_callback(task_id, url=receiver.url, signed=signed)

    (callback,) = receiver.received
    assert json.loads(callback.body) == record
    assert ("webhook-signature" in callback.headers) is signed
