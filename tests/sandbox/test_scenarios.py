import json
from contextlib import closing
from http.client import HTTPConnection
from io import BytesIO

import av
import httpx
import pytest
from pydantic import ValidationError

from sandbox.client import SandboxClient
from sandbox.scenarios import NORMAL, Delivered, ErrorReply, Match, Scenario, ScenarioBook
from tests.sandbox.harness import Kie, eventually

TEXT_TO_VIDEO = "kling-2.6/text-to-video"
BUSY = ErrorReply(code=455, msg="maintenance")


def test_match_requires_all_its_fields() -> None:
    match = Match(prompt_contains="boat", model="m")

    assert match.accepts(prompt="a boat", model="m")
    assert not match.accepts(prompt="a boat", model="other")
    assert not match.accepts(prompt="a ship", model="m")
    assert Match().accepts(prompt="", model="")


def test_only_the_newest_match_applies() -> None:
    book = ScenarioBook()
    book.add(Scenario(seconds=1))
    newest = book.add(Scenario(match=Match(prompt_contains="boat"), create_error=BUSY))

    assert book.match(prompt="a boat", model="m")[1] == BUSY
    assert book.match(prompt="a boat", model="m")[1] is None
    assert book.match(prompt="a ship", model="m") == (Scenario(seconds=1), None)
    assert book.remove(newest)
    assert not book.remove(newest)
    assert book.match(prompt="a boat", model="m") == (Scenario(seconds=1), None)
    book.clear()
    assert book.match(prompt="a boat", model="m") == (NORMAL, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"callbacks": "lost"},
        {"seconds": -1},
        {"callback_delay_seconds": 1},
        {"delivered": {"width": 65}},
        {"create_error": {"code": 500, "msg": "", "http_status": 99}},
    ],
)
def test_contradictory_scenario_is_refused(sandbox: SandboxClient, kie: Kie, fields: object) -> None:
    with pytest.raises(ValidationError):
        Scenario.model_validate(fields)
    assert kie.http.post("/_sandbox/scenarios", json=fields).status_code == 422


def test_creates_are_refused_n_times(kie: Kie, sandbox: SandboxClient) -> None:
    error = ErrorReply(http_status=503, code=455, msg="maintenance", retry_after=7)
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), create_error=error, create_error_times=2))
    refused = [kie.post_task("google/nano-banana") for _ in range(2)]
    kie.create()

    assert [answer.status_code for answer in refused] == [503, 503]
    assert [answer.headers["Retry-After"] for answer in refused] == ["7", "7"]
    assert [answer.json() for answer in refused] == [{"code": 455, "msg": "maintenance", "data": None}] * 2
    counts = sandbox.requests(kie.word)
    assert (counts.arrived, counts.accepted, counts.refused, counts.refused_by_code) == (3, 1, 2, {455: 2})


def test_create_that_waits_has_arrived(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), create_latency_seconds=3600))
    with closing(sent_create(kie)):
        eventually(lambda: sandbox.requests(kie.word).arrived == 1)
        assert sandbox.requests(kie.word).accepted == 0


def test_slow_create_is_accepted_after_its_client_disconnects(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), create_latency_seconds=0.6))
    sent_create(kie).close()

    eventually(lambda: sandbox.requests(kie.word).accepted == 1)


def sent_create(kie: Kie) -> HTTPConnection:
    """A connection over which a create is sent, and no answer read."""
    body = json.dumps({"model": "google/nano-banana", "input": {"prompt": kie.word}})
    headers = {"Authorization": kie.http.headers["authorization"], "Content-Type": "application/json"}
    client = HTTPConnection(kie.http.base_url.host, kie.http.base_url.port)
    client.request("POST", "/kie/api/v1/jobs/createTask", body, headers)
    return client


def test_dropped_reply_leaves_an_accepted_task(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), create_reply="drop"))
    with pytest.raises(httpx.RemoteProtocolError, match="Server disconnected without sending a response"):
        kie.post_task("google/nano-banana")

    (task,) = sandbox.tasks(kie.word)
    assert kie.finish(task.task_id)["state"] == "success"


def test_garbled_reply_leaves_an_accepted_task(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), create_reply="garbage"))
    answer = kie.post_task("google/nano-banana")

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(sandbox.tasks(kie.word)) == 1


def test_failed_generation_has_code_and_text(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(
        Scenario(match=Match(prompt_contains=kie.word), outcome="fail", fail_code="501", fail_msg="Content policy")
    )
    record = kie.finish(kie.create())

    assert (record["state"], record["resultJson"]) == ("fail", None)
    assert (record["failCode"], record["failMsg"]) == ("501", "Content policy")


def test_unknown_state_word_stays_and_hides_the_result(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), seconds=0, state_word="paused"))
    task_id = kie.create()
    eventually(lambda: sandbox.tasks(kie.word)[0].completed_at is not None)
    record = kie.read(task_id).json()["data"]

    assert (record["state"], record["resultJson"], record["completeTime"]) == ("paused", None, None)


def test_success_without_a_result(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), empty_result=True))
    record = kie.finish(kie.create())

    assert (record["state"], record["resultJson"]) == ("success", '{"resultUrls": []}')


def test_delivered_file_differs_from_the_order(kie: Kie, sandbox: SandboxClient) -> None:
    delivered = Delivered(width=320, height=180, duration_seconds=2, frame_rate=30)
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), delivered=delivered))
    url = kie.result_url(kie.create(TEXT_TO_VIDEO, {"sound": True, "duration": "10"}))

    with av.open(BytesIO(kie.http.get(url).content), "r") as container:
        (stream,) = container.streams.video
        assert (stream.width, stream.height) == (320, 180)
        assert stream.average_rate == 30
        assert container.duration == 2_000_000


def test_reads_fail_n_times(kie: Kie, sandbox: SandboxClient) -> None:
    error = ErrorReply(http_status=502, code=500, msg="oops")
    sandbox.add_scenario(
        Scenario(match=Match(prompt_contains=kie.word), poll_error=error, poll_error_times=2, poll_latency_seconds=0.05)
    )
    task_id = kie.create()
    answers = [kie.read(task_id) for _ in range(3)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(502, 500), (502, 500), (200, 200)]
    assert all(answer.elapsed.total_seconds() >= 0.05 for answer in answers)
    assert sandbox.tasks(kie.word)[0].polls == 3


def test_task_keeps_the_scenario_of_its_create(kie: Kie, sandbox: SandboxClient) -> None:
    with sandbox.scenario(Scenario(match=Match(prompt_contains=kie.word), outcome="fail")):
        met = kie.create()
    later = kie.create()

    assert kie.finish(met)["state"] == "fail"
    assert kie.finish(later)["state"] == "success"
