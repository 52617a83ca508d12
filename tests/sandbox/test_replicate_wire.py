"""The sandbox answers as Replicate's documents say."""

import json

import httpx
import pytest

from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from sandbox.scenarios import ErrorReply, Match, Scenario
from sandbox.vendors.replicate.account import ReplicateAccount
from sandbox.vendors.replicate.errors import ReplicateError
from tests.sandbox.harness import FLUX, SEEDANCE, Kie, Replicate, eventually


def problem(answer: httpx.Response) -> tuple[int, int, str]:
    """The HTTP status, the status in the body, and the detail of an RFC 7807 error."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail"}
    return answer.status_code, body["status"], body["detail"]


def test_picture_from_create_to_file(replicate: Replicate, sandbox: SandboxClient) -> None:
    answer = replicate.post({"aspect_ratio": "16:9"})
    created = answer.json()
    assert answer.status_code == 201
    assert (created["status"], created["output"], created["error"]) == ("starting", None, None)
    assert created["input"] == {"prompt": f"a boat {replicate.word}", "output_format": "png", "aspect_ratio": "16:9"}
    assert (created["model"], created["version"]) == (FLUX, "hidden")
    assert created["urls"]["get"].endswith(f"/replicate/v1/predictions/{created['id']}")
    assert created["urls"]["cancel"] == f"{created['urls']['get']}/cancel"
    assert "completed_at" not in created
    assert "metrics" not in created

    done = replicate.finish(created["id"])
    assert (done["status"], done["error"], done["input"]) == ("succeeded", None, created["input"])
    assert isinstance(done["output"], list)
    (url,) = done["output"]
    assert isinstance(url, str)
    assert replicate.http.get(url).headers["Content-Type"] == "image/png"
    assert sandbox.requests(replicate.word).accepted == 1


def test_video_result_is_one_link_instead_of_a_list(replicate: Replicate) -> None:
    done = replicate.finish(replicate.create({"resolution": "480p", "duration": 2}, model=SEEDANCE))
    assert isinstance(done["output"], str)
    assert replicate.http.get(done["output"]).headers["Content-Type"] == "video/mp4"


def test_prediction_starts_then_processes_and_reports_its_run_time(
    replicate: Replicate, sandbox: SandboxClient
) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), seconds=1))
    prediction_id = replicate.create()
    states: dict[str, None] = {}

    def note_state() -> bool:
        states[replicate.read(prediction_id).json()["status"]] = None
        return "succeeded" in states

    eventually(note_state)
    # A slow machine may miss a state. The order of the seen states is fixed.
    assert list(states) == [state for state in ("starting", "processing", "succeeded") if state in states]
    done = replicate.finish(prediction_id)
    metrics = done["metrics"]
    assert isinstance(metrics, dict)
    ran, took = metrics["predict_time"], metrics["total_time"]
    assert isinstance(ran, float)
    assert isinstance(took, float)
    assert 0.7 <= ran < took
    assert str(done["created_at"]) < str(done["started_at"]) < str(done["completed_at"])


def test_failed_prediction_has_its_error(replicate: Replicate, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), outcome="fail", fail_msg="NSFW"))
    done = replicate.finish(replicate.create())
    assert (done["status"], done["output"], done["error"]) == ("failed", None, "NSFW")


@pytest.mark.parametrize(("model", "output"), [(FLUX, []), (SEEDANCE, None)])
def test_success_without_a_result(replicate: Replicate, sandbox: SandboxClient, model: str, output: object) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), empty_result=True))
    done = replicate.finish(
        replicate.create({"resolution": "480p", "duration": 2} if model == SEEDANCE else {}, model=model)
    )
    assert (done["status"], done["output"]) == ("succeeded", output)


def test_unknown_state_word_stays_and_hides_the_result(replicate: Replicate, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), seconds=0, state_word="paused"))
    prediction_id = replicate.create()
    eventually(lambda: sandbox.tasks(replicate.word)[0].completed_at is not None)
    prediction = replicate.read(prediction_id).json()
    assert (prediction["status"], prediction["output"], "completed_at" in prediction) == ("paused", None, False)


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Token test-api-key", "test-api-key"])
def test_wrong_token_is_401(replicate: Replicate, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    path = "/replicate/v1/predictions/p1"
    with httpx.Client(base_url=replicate.http.base_url, headers=headers, trust_env=False) as stranger:
        answers = [
            stranger.post(f"/replicate/v1/models/{FLUX}/predictions", json={"input": {"prompt": replicate.word}}),
            stranger.get(path),
            stranger.post(f"{path}/cancel"),
        ]
    assert [problem(answer)[:2] for answer in answers] == [(401, 401)] * 3


@pytest.mark.parametrize("body", [b"", b"{", b"prompt=boat", b"[]", b"null"])
def test_body_that_is_not_a_json_object_is_400(replicate: Replicate, body: bytes) -> None:
    assert problem(replicate.http.post(f"/replicate/v1/models/{FLUX}/predictions", content=body))[:2] == (400, 400)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "input: Field required"),
        ({"input": "a boat"}, "input: Input should be a valid dictionary"),
        ({"input": {}, "model": FLUX}, "model: Extra inputs are not permitted"),
        ({"input": {}, "webhook": "gw.example"}, "webhook: Value error, should be an http or https URL"),
        ({"input": {}, "webhook_events_filter": ["done"]}, "webhook_events_filter.0: Input should be 'start', "),
    ],
)
def test_body_with_wrong_fields_is_422(replicate: Replicate, body: object, detail: str) -> None:
    status, code, text = problem(replicate.http.post(f"/replicate/v1/models/{FLUX}/predictions", json=body))
    assert (status, code) == (422, 422)
    assert detail in text


def test_invalid_input_is_422_and_not_accepted(replicate: Replicate, sandbox: SandboxClient) -> None:
    answer = replicate.post({"aspect_ratio": "7:5"})
    assert problem(answer)[:2] == (422, 422)
    assert problem(answer)[2].startswith("input.aspect_ratio: Input should be '1:1', ")
    assert sandbox.tasks(replicate.word) == []
    assert sandbox.requests(replicate.word).refused_by_code == {422: 1}


def test_unknown_models_and_predictions_are_404(replicate: Replicate, kie: Kie) -> None:
    assert problem(replicate.post(model="stability-ai/sdxl"))[:2] == (404, 404)
    # A task of another vendor is not a prediction.
    for prediction_id in ("no-such-prediction", kie.create()):
        assert problem(replicate.read(prediction_id))[:2] == (404, 404)
        assert problem(replicate.cancel(prediction_id))[:2] == (404, 404)


def test_rate_limits_are_the_documented_ones() -> None:
    account = ReplicateAccount(SandboxConfig(public_url=""))
    for admit, limit in ((account.admit_create, 600), (account.admit_other, 3000)):
        for _ in range(limit):
            admit()
        with pytest.raises(ReplicateError) as refusal:
            admit()
        assert (refusal.value.code, refusal.value.retry_after) == (429, 1)


def test_creates_and_reads_fail_as_the_scenario_says(replicate: Replicate, sandbox: SandboxClient) -> None:
    busy = ErrorReply(http_status=503, code=503, msg="busy", retry_after=7)
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), create_error=busy, poll_error=busy))
    refused = replicate.post()
    prediction_id = replicate.create()
    unread = replicate.read(prediction_id)

    for answer in (refused, unread):
        assert problem(answer) == (503, 503, "busy")
        assert answer.headers["Retry-After"] == "7"
    assert replicate.read(prediction_id).status_code == 200
    assert sandbox.requests(replicate.word).refused_by_code == {503: 1}


def test_dropped_or_garbled_reply_leaves_a_prediction(replicate: Replicate, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), create_reply="drop"))
    with pytest.raises(httpx.RemoteProtocolError, match="Server disconnected without sending a response"):
        replicate.post()
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=replicate.word), create_reply="garbage"))
    with pytest.raises(json.JSONDecodeError):
        replicate.post().json()
    assert len(sandbox.tasks(replicate.word)) == 2
