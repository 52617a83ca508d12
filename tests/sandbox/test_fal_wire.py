"""The sandbox answers as fal's documents say."""

import base64
import hashlib
import json

import pytest
from Crypto.Signature import eddsa

from sandbox.client import SandboxClient
from sandbox.scenarios import ErrorReply, Match, Scenario
from sandbox.task import JsonObject
from sandbox.vendors.fal.errors import FalError
from sandbox.vendors.fal.models import read_input
from tests.sandbox.harness import PIKA, Fal, Kie, Received, Receiver, eventually

TINY = {"delivered": {"width": 64, "height": 64, "duration_seconds": 1}}
LONG = 3600


def behave(sandbox: SandboxClient, fal: Fal, **fields: object) -> None:
    scenario = {"match": Match(prompt_contains=fal.word), **TINY, **fields}
    sandbox.add_scenario(Scenario.model_validate(scenario))


def is_signed(fal: Fal, callback: Received) -> bool:
    (entry,) = fal.http.get("/fal/.well-known/jwks.json", headers={"Authorization": ""}).json()["keys"]
    key = eddsa.import_public_key(base64.urlsafe_b64decode(entry["x"] + "="))
    headers = callback.headers
    lines = [
        *(headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp")),
        hashlib.sha256(callback.body).hexdigest(),
    ]
    signature = bytes.fromhex(headers["x-fal-webhook-signature"])
    try:
        eddsa.new(key, "rfc8032").verify("\n".join(lines).encode(), signature)
    except ValueError:
        return False
    return True


def test_video_from_create_to_file(fal: Fal, sandbox: SandboxClient) -> None:
    behave(sandbox, fal)
    accepted = fal.create(resolution="1080p")
    app = f"{fal.http.base_url}/fal/fal-ai/pika/requests/{accepted['request_id']}".replace("//fal", "/fal")
    assert accepted == {
        "request_id": accepted["request_id"],
        "response_url": app,
        "status_url": f"{app}/status",
        "cancel_url": f"{app}/cancel",
        "status": "IN_QUEUE",
        "queue_position": 0,
    }
    result = fal.finish(accepted)
    assert result.status_code == 200
    assert fal.http.get(result.json()["video"]["url"]).headers["Content-Type"] == "video/mp4"
    status = fal.http.get(accepted["status_url"])
    assert (status.status_code, status.json()["status"]) == (200, "COMPLETED")
    assert status.json()["metrics"]["inference_time"] >= 0
    assert sandbox.requests(fal.word).accepted == 1


def test_queued_request_has_a_place_and_no_result(fal: Fal, sandbox: SandboxClient) -> None:
    behave(sandbox, fal, seconds=LONG)
    accepted = fal.create()
    status = fal.http.get(accepted["status_url"])
    assert (status.status_code, status.json()["status"], status.json()["queue_position"]) == (202, "IN_QUEUE", 0)
    result = fal.http.get(accepted["response_url"])
    assert (result.status_code, result.json()) == (400, {"detail": "Request is still in progress"})


@pytest.mark.parametrize("authorization", ["", "Key wrong", "Bearer test-api-key", "test-api-key"])
def test_wrong_key_is_refused(fal: Fal, sandbox: SandboxClient, authorization: str) -> None:
    behave(sandbox, fal, seconds=LONG)
    accepted = fal.create()
    fal.http.headers["Authorization"] = authorization
    answers = [
        fal.post(),
        fal.http.get(accepted["status_url"]),
        fal.http.get(accepted["response_url"]),
        fal.http.put(accepted["cancel_url"]),
    ]
    assert [(answer.status_code, "detail" in answer.json()) for answer in answers] == [(401, True)] * 4


@pytest.mark.parametrize(
    ("fail_code", "http_status", "kind"),
    [
        ("content_policy_violation", 422, "content_policy_violation"),
        ("generation_timeout", 504, "generation_timeout"),
        ("downstream_service_error", 400, "downstream_service_error"),
        ("500", 500, "internal_server_error"),
    ],
)
def test_failure_of_a_model_is_in_the_result(
    fal: Fal, sandbox: SandboxClient, fail_code: str, http_status: int, kind: str
) -> None:
    behave(sandbox, fal, outcome="fail", fail_code=fail_code, fail_msg="no")
    accepted = fal.create()
    result = fal.finish(accepted)
    assert (result.status_code, result.json()["detail"][0]["type"]) == (http_status, kind)
    assert "error" not in fal.http.get(accepted["status_url"]).json()


def test_failure_of_fals_own_servers_is_in_the_status(fal: Fal, sandbox: SandboxClient) -> None:
    behave(sandbox, fal, outcome="fail", fail_code="request_timeout", fail_msg="Request timed out")
    accepted = fal.create()
    fal.finish(accepted)
    status = fal.http.get(accepted["status_url"]).json()
    assert (status["status"], status["error"], status["error_type"]) == (
        "COMPLETED",
        "Request timed out",
        "request_timeout",
    )


def test_queued_request_is_removed_and_finished_one_cannot_be_cancelled(fal: Fal, sandbox: SandboxClient) -> None:
    behave(sandbox, fal, seconds=LONG)
    accepted = fal.create()
    answer = fal.http.put(accepted["cancel_url"])
    assert (answer.status_code, answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    assert fal.http.get(accepted["status_url"]).status_code == 404
    again = fal.http.put(accepted["cancel_url"])
    assert (again.status_code, again.json()) == (404, {"status": "NOT_FOUND"})
    sandbox.reset()
    behave(sandbox, fal)
    ended = fal.create()
    fal.finish(ended)
    answer = fal.http.put(ended["cancel_url"])
    assert (answer.status_code, answer.json()) == (400, {"status": "ALREADY_COMPLETED"})


def test_requests_of_other_apps_and_vendors_are_not_found(fal: Fal, sandbox: SandboxClient, kie: Kie) -> None:
    behave(sandbox, fal, seconds=LONG)
    accepted = fal.create()
    for link in (
        accepted["status_url"].replace("fal-ai/pika", "fal-ai/stable-video"),
        accepted["status_url"].replace(accepted["request_id"], kie.create()),
        accepted["status_url"].replace(accepted["request_id"], "none"),
    ):
        assert fal.http.get(link).status_code == 404


@pytest.mark.parametrize(
    ("model", "fields", "code", "where"),
    [
        ("fal-ai/pika/v1/text-to-video", {"prompt": "x"}, 404, None),
        (PIKA, {}, 422, ["body", "prompt"]),
        (PIKA, {"prompt": "x", "duration": 5}, 422, ["body", "duration"]),
        (PIKA, {"prompt": "x", "resolution": "480p"}, 422, ["body", "resolution"]),
        (PIKA, {"prompt": "x", "image_url": "https://x.example/1.png"}, 422, ["body", "image_url"]),
        ("fal-ai/pika/v2.2/image-to-video", {"prompt": "x"}, 422, ["body", "image_url"]),
        ("fal-ai/longcat-video/text-to-video/720p", {"prompt": "x", "num_frames": 1000}, 422, ["body", "num_frames"]),
        ("fal-ai/stable-video", {"image_url": "https://x.example/1.png", "prompt": "x"}, 422, ["body", "prompt"]),
        ("fal-ai/stable-video", {"image_url": "https://x.example/1.png", "fps": 5}, 422, ["body", "fps"]),
    ],
)
def test_wrong_input_is_refused_with_a_helpful_text(
    model: str, fields: JsonObject, code: int, where: list[str] | None
) -> None:
    with pytest.raises(FalError) as refusal:
        read_input(model, fields)
    detail = refusal.value.detail
    assert refusal.value.code == code
    if where is None:
        assert str(detail).startswith(f"Application '{model}' not found")
    else:
        assert isinstance(detail, list)
        assert isinstance(detail[0], dict)
        assert detail[0]["loc"] == where


def test_webhook_that_is_no_url_is_refused(fal: Fal) -> None:
    assert fal.post(webhook="gw.example").status_code == 422


@pytest.mark.parametrize("outcome", ["success", "fail"])
def test_end_is_announced_with_a_signature(fal: Fal, sandbox: SandboxClient, receiver: Receiver, outcome: str) -> None:
    behave(sandbox, fal, outcome=outcome, fail_msg="no")
    accepted = fal.create(webhook=receiver.url)
    (callback,) = receiver.wait_for(1)
    body = json.loads(callback.body)
    assert body["request_id"] == accepted["request_id"] != body["gateway_request_id"]
    assert body["payload"] == fal.finish(accepted).json()
    assert (body["status"], body.get("error")) == (("OK", None) if outcome == "success" else ("ERROR", "no"))
    assert is_signed(fal, callback)


def test_forged_webhook_claims_success_with_a_wrong_signature(
    fal: Fal, sandbox: SandboxClient, receiver: Receiver
) -> None:
    behave(sandbox, fal, callback="forged", outcome="fail")
    fal.create(webhook=receiver.url)
    forged, true = receiver.wait_for(2)
    claim = json.loads(forged.body)
    assert claim["status"] == "OK"
    assert fal.http.get(claim["payload"]["video"]["url"]).status_code == 404
    assert (is_signed(fal, forged), is_signed(fal, true)) == (False, True)


def test_unsigned_webhook_can_be_sent_by_hand(fal: Fal, sandbox: SandboxClient, receiver: Receiver) -> None:
    behave(sandbox, fal)
    accepted = fal.create()
    fal.finish(accepted)
    sandbox.send_callback(accepted["request_id"], url=receiver.url, signed=False)
    (unsigned,) = receiver.received
    assert not [name for name in unsigned.headers if name.startswith("x-fal")]


def test_create_read_and_cancel_fail_as_the_scenario_says(fal: Fal, sandbox: SandboxClient) -> None:
    busy = ErrorReply(code=503, msg="busy", retry_after=2)
    behave(sandbox, fal, create_error=busy, poll_error=busy, cancel_error=busy, seconds=LONG)
    refused = fal.post()
    accepted = fal.create()
    read, cancelled = fal.http.get(accepted["status_url"]), fal.http.put(accepted["cancel_url"])
    for answer in (refused, read, cancelled):
        assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (503, {"detail": "busy"}, "2")
    assert fal.http.get(accepted["status_url"]).status_code == 202
    counts = sandbox.requests(fal.word)
    assert counts.accepted == 1
    eventually(lambda: [task.polls for task in sandbox.tasks(fal.word)] == [2])
