"""The sandbox answers as Runway's documents say."""

import json
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from sandbox.control_models import TaskReport
from sandbox.scenarios import ErrorReply, Match, Scenario
from sandbox.vendors.runway.account import RunwayAccount
from sandbox.vendors.runway.errors import RunwayError
from tests.sandbox.harness import KEY, RUNWAY_VERSION, Kie, Receiver, Runway, eventually

LONG = 3600


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The HTTP status and the text of a Runway error."""
    body = answer.json()
    assert set(body) == {"error"}
    return answer.status_code, body["error"]


def scenario(runway: Runway, sandbox: SandboxClient, **fields: object) -> None:
    sandbox.add_scenario(Scenario.model_validate({"match": Match(prompt_contains=runway.word), **fields}))


def report(runway: Runway, sandbox: SandboxClient) -> TaskReport:
    (task,) = sandbox.tasks(runway.word)
    return task


def test_picture_from_create_to_file(runway: Runway, sandbox: SandboxClient) -> None:
    before = runway.credits()
    answer = runway.post(ratio="960:720")
    created = answer.json()
    assert (answer.status_code, set(created), created["estimatedCost"]) == (
        200,
        {"id", "estimatedCost"},
        {"credits": 5},
    )

    done = runway.finish(created["id"])
    assert set(done) == {"id", "status", "createdAt", "output", "cost"}
    assert (done["id"], done["status"], done["cost"]) == (created["id"], "SUCCEEDED", {"credits": 5})
    (url,) = done["output"]
    assert runway.http.get(url).headers["Content-Type"] == "image/png"
    assert runway.credits() == before - 5
    assert sandbox.requests(runway.word).accepted == 1


def test_video_from_a_picture(runway: Runway, kie: Kie) -> None:
    picture = kie.result_url(kie.create())
    task_id = runway.create("image_to_video", model="gen4_turbo", promptImage=picture, duration=2)
    (url,) = runway.finish(task_id)["output"]
    assert runway.http.get(url).headers["Content-Type"] == "video/mp4"


def test_links_of_a_result_expire_and_each_read_makes_new_ones(runway: Runway) -> None:
    task_id = runway.create()
    (url,) = runway.finish(task_id)["output"]
    address, _, expires = url.partition("?expires=")
    assert runway.http.get(f"{address}?expires=1").status_code == 403
    eventually(lambda: runway.read(task_id).json()["output"] > [f"{address}?expires={expires}"])


def test_task_is_throttled_then_pending_then_running_with_progress(runway: Runway, sandbox: SandboxClient) -> None:
    scenario(runway, sandbox, seconds=1)
    task_id = runway.create()
    seen: dict[str, dict[str, object]] = {}

    def note_state() -> bool:
        task = runway.read(task_id).json()
        seen[task["status"]] = task
        return "SUCCEEDED" in seen

    eventually(note_state)
    # A slow machine may miss a state. The order of the seen states is fixed.
    assert list(seen) == [word for word in ("THROTTLED", "PENDING", "RUNNING", "SUCCEEDED") if word in seen]
    for word in seen.keys() & {"THROTTLED", "PENDING", "RUNNING"}:
        assert seen[word]["estimatedCost"] == {"credits": 5}
    if "RUNNING" in seen:
        progress = seen["RUNNING"]["progress"]
        assert isinstance(progress, float)
        assert 0 <= progress < 1


def test_failed_task_has_its_code_and_costs_nothing(runway: Runway, sandbox: SandboxClient) -> None:
    scenario(runway, sandbox, outcome="fail", fail_code="SAFETY.INPUT.TEXT", fail_msg="Not that")
    done = runway.finish(runway.create())
    assert (done["status"], done["failureCode"], done["failure"]) == ("FAILED", "SAFETY.INPUT.TEXT", "Not that")
    assert (done["cost"], "output" in done) == ({"credits": 0}, False)


def test_success_without_a_result(runway: Runway, sandbox: SandboxClient) -> None:
    scenario(runway, sandbox, empty_result=True)
    assert runway.finish(runway.create())["output"] == []


def test_unknown_state_word_stays_and_hides_the_result(runway: Runway, sandbox: SandboxClient) -> None:
    scenario(runway, sandbox, seconds=0, state_word="PAUSED")
    task_id = runway.create()
    eventually(lambda: report(runway, sandbox).completed_at is not None)
    task = runway.read(task_id).json()
    assert (task["status"], set(task)) == ("PAUSED", {"id", "status", "createdAt"})


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Key test-api-key", "test-api-key"])
def test_wrong_key_is_401(runway: Runway, authorization: str | None) -> None:
    headers = {"X-Runway-Version": RUNWAY_VERSION}
    if authorization is not None:
        headers["Authorization"] = authorization
    assert [status for status, _ in everywhere(runway, headers)] == [401] * 6


@pytest.mark.parametrize("version", [None, "", "2024-09-13", "latest"])
def test_wrong_version_is_400(runway: Runway, version: str | None) -> None:
    headers = {"Authorization": f"Bearer {KEY}"} | ({} if version is None else {"X-Runway-Version": version})
    for status, text in everywhere(runway, headers):
        assert (status, "X-Runway-Version header should be 2024-11-06" in text) == (400, True)


def everywhere(runway: Runway, headers: dict[str, str]) -> list[tuple[int, str]]:
    """The answers of all endpoints to these headers."""
    task_id = runway.create()
    with httpx.Client(base_url=f"{runway.http.base_url}/runway/v1", headers=headers, trust_env=False) as stranger:
        answers = [
            stranger.post("/text_to_image", json={}),
            stranger.get(f"/tasks/{task_id}"),
            stranger.delete(f"/tasks/{task_id}"),
            stranger.get("/organization"),
            stranger.post("/uploads", json={}),
            stranger.get("/elsewhere"),
        ]
    assert runway.read(task_id).status_code == 200
    return [problem(answer) for answer in answers]


@pytest.mark.parametrize("body", [b"", b"{", b"prompt=boat", b"[]", b"null"])
def test_body_that_is_not_a_json_object_is_400(runway: Runway, body: bytes) -> None:
    answer = runway.http.post("/runway/v1/text_to_image", content=body)
    assert problem(answer) == (400, "The request body is not a JSON object")


def test_wrong_create_is_400_and_not_accepted_or_charged(runway: Runway, sandbox: SandboxClient) -> None:
    before = runway.credits()
    status, text = problem(runway.post(ratio="16:9"))
    assert (status, text.startswith("ratio: Input should be ")) == (400, True)
    assert (sandbox.tasks(runway.word), runway.credits()) == ([], before)
    assert sandbox.requests(runway.word).refused_by_code == {400: 1}


@pytest.mark.parametrize("path", ["/files/nothing.png", "/_sandbox/health"])
def test_unreachable_picture_is_400(runway: Runway, sandbox: SandboxClient, path: str) -> None:
    url = f"{str(runway.http.base_url).rstrip('/')}{path}"
    status, text = problem(runway.post(referenceImages=[{"uri": url}]))
    assert (status, text.startswith(f"Failed to fetch the image {url}: ")) == (400, True)
    assert sandbox.tasks(runway.word) == []


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("runway://nothing", "nothing was uploaded"),
        ("data:image/gif;base64,R0lG", "the content type 'image/gif' is none of "),
        ("data:image/png;base64,AAAA", "it is not an image"),
    ],
)
def test_content_that_is_no_picture_is_400(runway: Runway, uri: str, reason: str) -> None:
    status, text = problem(runway.post(referenceImages=[{"uri": uri}]))
    shown = "of a data URI" if uri.startswith("data:") else uri
    assert (status, text.startswith(f"Failed to fetch the image {shown}: {reason}")) == (400, True)


def test_link_that_answers_only_get_is_not_fetched(runway: Runway, sandbox: SandboxClient) -> None:
    url = f"{runway.http.base_url}/_sandbox/requests"
    assert (runway.http.get(url).status_code, runway.http.head(url).status_code) == (200, 405)
    status, text = problem(runway.post(referenceImages=[{"uri": url}]))
    assert (status, text) == (400, f"Failed to fetch the image {url}: HTTP 405 to a HEAD request")


def begin_upload(runway: Runway) -> dict[str, Any]:
    answer = runway.http.post("/runway/v1/uploads", json={"filename": "a.png", "type": "ephemeral"})
    assert answer.status_code == 200, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def send(begun: dict[str, Any], content: bytes, *, name: str = "file", **changes: Any) -> httpx.Response:
    """Upload a file as Runway's own client does."""
    asked = {"data": begun["fields"], "files": {name: ("a.png", content)}, **changes}
    return httpx.post(begun["uploadUrl"], **asked, trust_env=False)


def test_upload_goes_to_the_bucket_and_creates_may_use_it(runway: Runway, kie: Kie) -> None:
    picture = runway.http.get(kie.result_url(kie.create())).content
    begun = begin_upload(runway)
    assert set(begun) == {"runwayUri", "uploadUrl", "fields"}
    assert runway.post(referenceImages=[{"uri": begun["runwayUri"]}]).status_code == 400, "it is not there yet"
    answer = send(begun, picture)
    assert (answer.status_code, answer.content) == (204, b"")
    runway.finish(runway.create(referenceImages=[{"uri": begun["runwayUri"]}]))


def test_bucket_checks_the_policy_and_needs_no_runway_key(runway: Runway) -> None:
    begun, file = begin_upload(runway), b"x" * 512
    refused = {
        "with a key": send(begun, file, headers={"Authorization": f"Bearer {KEY}"}),
        "with Runway's version": send(begun, file, headers={"X-Runway-Version": RUNWAY_VERSION}),
        "without its fields": send(begun, file, data={}),
        "with another field": send(begun, file, data={**begun["fields"], "acl": "public-read"}),
        "under another name": send(begun, file, name="video"),
        "too small": send(begun, file[1:]),
        "as no form": httpx.post(begun["uploadUrl"], content=file, trust_env=False),
        "nowhere": send({**begun, "uploadUrl": f"{begun['uploadUrl']}x"}, file),
    }
    assert {how: answer.status_code for how, answer in refused.items()} == {
        "with a key": 400,
        "with Runway's version": 400,
        "without its fields": 403,
        "with another field": 403,
        "under another name": 400,
        "too small": 400,
        "as no form": 400,
        "nowhere": 404,
    }
    assert send(begun, file).status_code == 204


@pytest.mark.parametrize("body", [{}, {"filename": "a.png"}, {"filename": "", "type": "ephemeral"}, [], None])
def test_upload_requires_a_name_and_a_type(runway: Runway, body: JsonValue) -> None:
    assert problem(runway.http.post("/runway/v1/uploads", json=body))[0] == 400


def test_unknown_tasks_and_endpoints_are_404(runway: Runway, kie: Kie) -> None:
    # A task of another vendor is not Runway's.
    for task_id in ("no-such-task", kie.create()):
        assert problem(runway.read(task_id)) == (404, f"Task {task_id} not found")
        assert problem(runway.delete(task_id)) == (404, f"Task {task_id} not found")
    assert problem(runway.post("text_to_music"))[0] == 404
    assert problem(runway.http.get("/runway/v1/tasks"))[0] == 404


def test_deleting_an_open_task_stops_it_and_hides_it(runway: Runway, sandbox: SandboxClient) -> None:
    scenario(runway, sandbox, seconds=LONG)
    before = runway.credits()
    task_id = runway.create()
    answer = runway.delete(task_id)
    assert (answer.status_code, answer.content) == (204, b"")
    assert [runway.read(task_id).status_code, runway.delete(task_id).status_code] == [404, 404]
    task = report(runway, sandbox)
    assert (task.state, task.cancels) == ("cancelled", 1)
    assert runway.credits() == before - 5, "it is not refunded"


def test_deleted_finished_task_cannot_be_read(runway: Runway, sandbox: SandboxClient) -> None:
    task_id = runway.create()
    runway.finish(task_id)
    assert runway.delete(task_id).status_code == 204
    assert runway.read(task_id).status_code == 404
    assert report(runway, sandbox).state == "success"


def test_refused_delete_deletes_nothing(runway: Runway, sandbox: SandboxClient) -> None:
    busy = ErrorReply(http_status=503, code=503, msg="busy", retry_after=1)
    scenario(runway, sandbox, seconds=LONG, cancel_error=busy, cancel_error_times=2)
    task_id = runway.create()
    assert [problem(runway.delete(task_id)) for _ in range(2)] == [(503, "busy")] * 2
    assert runway.read(task_id).status_code == 200
    assert runway.delete(task_id).status_code == 204
    assert report(runway, sandbox).cancels == 3


def test_creates_and_reads_fail_as_the_scenario_says(runway: Runway, sandbox: SandboxClient) -> None:
    busy = ErrorReply(http_status=503, code=503, msg="busy", retry_after=7)
    scenario(runway, sandbox, create_error=busy, poll_error=busy)
    refused = runway.post()
    task_id = runway.create()
    unread = runway.read(task_id)

    for answer in (refused, unread):
        assert problem(answer) == (503, "busy")
        assert answer.headers["Retry-After"] == "7"
    assert runway.read(task_id).status_code == 200
    assert sandbox.requests(runway.word).refused_by_code == {503: 1}


def test_scenario_may_match_one_model(runway: Runway, sandbox: SandboxClient) -> None:
    match = Match(prompt_contains=runway.word, model="text_to_image/gen4_image")
    sandbox.add_scenario(Scenario(match=match, outcome="fail"))
    assert runway.finish(runway.create())["status"] == "FAILED"
    video = runway.create("text_to_video", model="gen4.5", duration=2)
    assert runway.finish(video)["status"] == "SUCCEEDED"


def test_dropped_or_garbled_reply_leaves_a_task(runway: Runway, sandbox: SandboxClient) -> None:
    scenario(runway, sandbox, create_reply="drop")
    with pytest.raises(httpx.RemoteProtocolError, match="Server disconnected without sending a response"):
        runway.post()
    scenario(runway, sandbox, create_reply="garbage")
    with pytest.raises(json.JSONDecodeError):
        runway.post().json()
    assert len(sandbox.tasks(runway.word)) == 2


def test_callback_is_sent_only_by_hand(runway: Runway, sandbox: SandboxClient, receiver: Receiver) -> None:
    task_id = runway.create()
    runway.finish(task_id)
    assert report(runway, sandbox).callbacks == []
    sandbox.send_callback(task_id, url=receiver.url)
    (callback,) = receiver.received
    assert json.loads(callback.body)["status"] == "SUCCEEDED"


def test_credits_and_daily_generations_run_out() -> None:
    account = RunwayAccount(SandboxConfig(public_url="", runway_credits=100, runway_generations_per_day=3))
    with pytest.raises(RunwayError, match=r"400.*You do not have enough credits to run this task"):
        account.charge(101, "gen4.5")
    for _ in range(3):
        account.charge(5, "gen4.5")
    with pytest.raises(RunwayError, match=r"429.*daily limit of 3 generations"):
        account.charge(5, "gen4.5")
    account.charge(5, "gen4_image")
    assert account.credits == 80
