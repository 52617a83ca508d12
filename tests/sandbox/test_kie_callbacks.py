import json

import httpx

from sandbox.client import SandboxClient
from sandbox.control_models import TaskReport
from sandbox.scenarios import Match, Scenario
from sandbox.vendors.kie.callbacks import sign
from tests.sandbox.harness import WEBHOOK_SECRET, Kie, Received, Receiver, eventually

NANO_BANANA = "google/nano-banana"


def is_signed(callback: Received) -> bool:
    task_id = json.loads(callback.body)["data"]["taskId"]
    headers = callback.headers
    return headers["x-webhook-signature"] == sign(WEBHOOK_SECRET, task_id, headers["x-webhook-timestamp"])


def report(sandbox: SandboxClient, kie: Kie) -> TaskReport:
    (task,) = sandbox.tasks(kie.word)
    return task


def statuses(sandbox: SandboxClient, kie: Kie) -> list[tuple[int, int | None]]:
    return [(sent.attempt, sent.status) for sent in report(sandbox, kie).callbacks]


def test_signature_equals_the_reference_vector() -> None:
    assert sign("kie-test-key", "task_demo", "1700000000") == "+83azEXRIMmTENj5bLCXLK6A0eivlEA6u2lo/BQ7OW4="


def test_success_is_announced_with_record_and_signature(kie: Kie, receiver: Receiver) -> None:
    task_id = kie.create(call_back_url=receiver.url)
    (callback,) = receiver.wait_for(1)
    body = json.loads(callback.body)

    assert (body["code"], body["msg"]) == (200, "Playground task completed successfully.")
    assert body["data"] == kie.finish(task_id)
    assert callback.headers["content-type"] == "application/json"
    assert is_signed(callback)


def test_failure_is_announced_with_code_501(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    sandbox.add_scenario(
        Scenario(
            match=Match(prompt_contains=kie.word), outcome="fail", fail_code="422", fail_msg="Content policy violation"
        )
    )
    task_id = kie.create(call_back_url=receiver.url)
    (callback,) = receiver.wait_for(1)
    body = json.loads(callback.body)

    assert (body["code"], body["msg"]) == (501, "Playground task failed.")
    assert (body["data"]["state"], body["data"]["resultJson"]) == ("fail", None)
    assert (body["data"]["failCode"], body["data"]["failMsg"]) == ("422", "Content policy violation")
    assert is_signed(callback)
    answer = kie.read(task_id).json()
    assert (answer["code"], answer["data"]) == (200, body["data"])


def test_callback_is_retried_until_it_is_accepted(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    receiver.statuses = [500, 302, 204]
    kie.create(call_back_url=receiver.url)

    eventually(lambda: statuses(sandbox, kie) == [(1, 500), (2, 302), (3, 204)])
    assert len(receiver.received) == 3


def test_callback_stops_after_three_failed_retries(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    receiver.statuses = [503] * 5
    kie.create(call_back_url=receiver.url)
    eventually(lambda: len(statuses(sandbox, kie)) == 4)

    # The whole life of another task takes longer than the pause before a fifth attempt.
    kie.finish(kie.create())
    assert [sent.status for sent in sandbox.tasks(kie.word)[0].callbacks] == [503] * 4
    assert len(receiver.received) == 4


def test_missing_receiver_counts_as_a_failed_attempt(kie: Kie, sandbox: SandboxClient) -> None:
    kie.create(call_back_url="http://127.0.0.1:1/callback")

    eventually(lambda: len(statuses(sandbox, kie)) == 4)
    sent = report(sandbox, kie).callbacks[0]
    assert sent.status is None
    assert sent.error is not None
    assert sent.error.startswith("ConnectError")


def test_lost_callback_is_never_sent(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    with sandbox.scenario(Scenario(match=Match(prompt_contains=kie.word), callback="lost")):
        lost = kie.create(call_back_url=receiver.url)
    kie.finish(lost)
    other = kie.create(call_back_url=receiver.url)

    (callback,) = receiver.wait_for(1)
    assert json.loads(callback.body)["data"]["taskId"] == other
    assert sandbox.tasks(kie.word)[0].callbacks == []


def test_early_callback_arrives_before_the_create_is_answered(
    kie: Kie, sandbox: SandboxClient, receiver: Receiver
) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), callback="early"))
    task_id = kie.create(call_back_url=receiver.url)

    (callback,) = receiver.received
    data = json.loads(callback.body)["data"]
    assert (data["taskId"], data["state"]) == (task_id, "success")


def test_late_callback_waits_for_its_delay(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), callback="late", callback_delay_seconds=0.4))
    kie.finish(kie.create(call_back_url=receiver.url))
    receiver.wait_for(1)
    eventually(lambda: statuses(sandbox, kie) == [(1, 200)])

    task = report(sandbox, kie)
    assert task.completed_at is not None
    assert task.callbacks[0].at >= task.completed_at + 0.4


def test_doubled_callback_arrives_three_times(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), callback="doubled"))
    kie.create(call_back_url=receiver.url)
    callbacks = receiver.wait_for(3)

    assert all(is_signed(callback) for callback in callbacks)
    assert len({callback.body for callback in callbacks}) == 1
    eventually(lambda: statuses(sandbox, kie) == [(1, 200)] * 3)


def test_forged_callback_has_a_wrong_signature_and_the_true_one_follows(
    kie: Kie, sandbox: SandboxClient, receiver: Receiver
) -> None:
    sandbox.add_scenario(
        Scenario(match=Match(prompt_contains=kie.word), callback="forged", outcome="fail", fail_msg="no")
    )
    kie.create(call_back_url=receiver.url)
    forged, true = receiver.wait_for(2)

    claim = json.loads(forged.body)
    assert (claim["code"], claim["data"]["state"]) == (200, "success")
    (url,) = json.loads(claim["data"]["resultJson"])["resultUrls"]
    assert kie.http.get(url).status_code == 404
    assert not is_signed(forged)
    assert json.loads(true.body)["code"] == 501
    assert is_signed(true)
    eventually(lambda: [sent.kind for sent in report(sandbox, kie).callbacks] == ["forged", "normal"])


def test_callback_can_be_sent_by_hand(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    receiver.statuses = [401]
    task_id = kie.create()
    record = kie.finish(task_id)

    answers = [
        sandbox.send_callback(task_id, url=receiver.url),
        sandbox.send_callback(task_id, url=receiver.url, signed=False),
        sandbox.send_callback(task_id, url=receiver.url, signed="wrong", body={"data": {"taskId": task_id}}),
    ]

    assert [(answer.kind, answer.status) for answer in answers] == [("manual", 401), ("manual", 200), ("manual", 200)]
    signed, unsigned, wrong = receiver.received
    assert is_signed(signed)
    assert json.loads(signed.body)["data"] == record
    assert "x-webhook-signature" not in unsigned.headers
    assert not is_signed(wrong)
    assert json.loads(wrong.body) == {"data": {"taskId": task_id}}


def test_callback_by_hand_requires_a_task_and_a_url(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    task_id = kie.create()
    problems = []
    for body in ({"task_id": "no-such-task", "url": receiver.url}, {"task_id": task_id}):
        answer: httpx.Response = kie.http.post("/_sandbox/callbacks", json=body)
        problems.append((answer.status_code, answer.json()["detail"]))

    assert problems == [
        (404, "there is no task no-such-task"),
        (409, "the task has no callback URL; give a url"),
    ]
    assert receiver.received == []
