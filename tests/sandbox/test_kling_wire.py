import httpx
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from tests.sandbox.harness import KEY, Kie, Kling, eventually


def error(answer: httpx.Response) -> tuple[int, int]:
    """HTTP status and Kling's code. An error has no data."""
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    return answer.status_code, body["code"]


def misbehave(sandbox: SandboxClient, kling: Kling, **fields: object) -> None:
    match = Match(prompt_contains=kling.word)
    sandbox.add_scenario(Scenario.model_validate({"match": match, **fields}))


def test_video_from_create_to_file(kling: Kling) -> None:
    settings: JsonValue = {"resolution": "720p", "aspect_ratio": "9:16", "duration": 3, "audio": "native"}
    answer = kling.post_text(settings=settings, options={"external_task_id": "ours-1"})
    accepted = answer.json()["data"]
    task = kling.finish(kling.id_of(answer))

    assert set(accepted) == {"id", "status", "create_time", "update_time", "external_id"}
    assert (accepted["status"], accepted["external_id"]) == ("submitted", "ours-1")
    assert (task["id"], task["status"], task["message"]) == (accepted["id"], "succeeded", "")
    assert (task["create_time"], task["external_id"]) == (accepted["create_time"], "ours-1")
    assert task["billing"] == [{"charge_type": "unit", "amount": "2.7", "package_type": "video"}]
    (output,) = task["outputs"]
    assert (output["type"], output["duration"], output["watermark_url"]) == ("video", "3", "")
    file = kling.http.get(output["url"])
    assert (file.status_code, file.headers["Content-Type"]) == (200, "video/mp4")
    assert b"mp4a" in file.content


def test_video_from_a_picture(kie: Kie, kling: Kling) -> None:
    picture = kie.result_url(kie.create("google/nano-banana", {"aspect_ratio": "9:16"}))
    task = kling.finish(kling.id_of(kling.post_image(picture, settings={"duration": 3})))

    (output,) = task["outputs"]
    assert kling.http.get(output["url"]).content[4:8] == b"ftyp"


def test_states_follow_each_other(kling: Kling, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kling, seconds=1, delivered=Delivered(width=64, height=64))
    task_id = kling.create()
    states: dict[str, None] = {}

    def note_state() -> bool:
        states[str(kling.task(task_id)["status"])] = None
        return "succeeded" in states

    eventually(note_state)
    # A slow machine may miss a state. The order of the seen states is fixed.
    assert list(states) == [state for state in ("submitted", "processing", "succeeded") if state in states]


@pytest.mark.parametrize(("authorization", "code"), [(None, 1001), ("Bearer wrong", 1002), (KEY, 1002)])
def test_wrong_key_is_401_on_every_path(kling: Kling, authorization: str | None, code: int) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(base_url=kling.http.base_url, headers=headers, trust_env=False) as stranger:
        answers = [
            stranger.post("/kling/text-to-video/kling-3.0", json={"prompt": kling.word}),
            stranger.get("/kling/tasks", params={"task_ids": "x"}),
            stranger.get("/kling/elsewhere"),
        ]

    assert [error(answer) for answer in answers] == [(401, code)] * 3


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"'])
def test_body_that_is_not_a_json_object_is_1200(kling: Kling, body: bytes) -> None:
    assert error(kling.http.post("/kling/text-to-video/kling-3.0", content=body)) == (400, 1200)


def test_invalid_body_is_1201_and_not_accepted(kling: Kling, sandbox: SandboxClient) -> None:
    answer = kling.post_text(settings={"duration": "5"}, options={"external_task_id": "ours-1"})

    assert error(answer) == (400, 1201)
    assert answer.json()["message"] == "settings.duration: Input should be a valid integer"
    assert sandbox.tasks(kling.word) == []
    assert sandbox.requests(kling.word).refused_by_code == {1201: 1}
    assert kling.read(external_task_ids="ours-1").json()["data"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "text-to-video/kling-1.6"),
        ("POST", "v1/videos/text2video"),
        ("GET", "text-to-video/kling-3.0"),
        ("DELETE", "tasks"),
    ],
)
def test_other_paths_and_methods_are_404(kling: Kling, method: str, path: str) -> None:
    assert error(kling.http.request(method, f"/kling/{path}", json={"prompt": kling.word})) == (404, 1203)


@pytest.mark.parametrize("path", ["files/nothing.png", "docs"])
def test_unreachable_picture_is_1201(kling: Kling, sandbox: SandboxClient, path: str) -> None:
    url = f"{kling.http.base_url}/{path}"
    answer = kling.post_image(url)

    assert error(answer) == (400, 1201)
    assert answer.json()["message"].startswith(f"Failed to fetch the image {url}: ")
    assert sandbox.tasks(kling.word) == []


def test_external_id_can_never_be_reused(kling: Kling, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kling, seconds=0, delivered=Delivered(width=64, height=64))
    first = kling.create(external_task_id="ours-1")
    kling.finish(first)
    again = kling.post_text(options={"external_task_id": "ours-1"})

    assert error(again) == (400, 1201)
    assert again.json()["message"] == "external_task_id ours-1 already exists"
    assert len(sandbox.tasks(kling.word)) == 1


def test_task_is_found_by_either_id_and_unknown_ids_are_left_out(kling: Kling) -> None:
    first, second = kling.create(external_task_id="ours-1"), kling.create()

    assert [task["id"] for task in kling.read(task_ids=f"{first},no,{second}").json()["data"]] == [first, second]
    assert [task["id"] for task in kling.read(external_task_ids="ours-1,no").json()["data"]] == [first]
    assert kling.read(external_task_ids=first).json()["data"] == []
    assert kling.read(task_ids="ours-1").json()["data"] == []


def test_tasks_of_another_vendor_are_not_found(kie: Kie, kling: Kling) -> None:
    assert kling.read(task_ids=kie.create()).json()["data"] == []


def test_read_takes_up_to_twenty_ids_of_one_kind(kling: Kling) -> None:
    assert kling.read(task_ids=",".join(["x"] * 20)).status_code == 200
    wrong: list[dict[str, str]] = [{}, {"task_ids": "x", "external_task_ids": "x"}, {"task_ids": ",".join(["x"] * 21)}]
    assert [error(kling.read(**query)) for query in wrong] == [(400, 1201)] * 3


def test_tasks_beyond_the_concurrency_are_1303_and_not_created(kling: Kling, sandbox: SandboxClient) -> None:
    sandbox.set_limits(kling_concurrency=1)
    with sandbox.scenario(Scenario(match=Match(prompt_contains=kling.word), seconds=3600)):
        kling.create()
    refused = kling.post_text(options={"external_task_id": "ours-2"})
    sandbox.set_limits(kling_concurrency=2)

    assert error(refused) == (429, 1303)
    kling.create(external_task_id="ours-2")


@pytest.mark.parametrize(
    ("code", "status"), [(1000, 401), (1102, 429), (1103, 403), (1202, 404), (1301, 400), (5000, 500), (5002, 504)]
)
def test_error_has_the_http_status_of_its_code(kling: Kling, sandbox: SandboxClient, code: int, status: int) -> None:
    misbehave(sandbox, kling, create_error=ErrorReply(code=code, msg="no", retry_after=7))
    answer = kling.post_text()

    assert error(answer) == (status, code)
    assert (answer.json()["message"], answer.headers["Retry-After"]) == ("no", "7")
    kling.create()


def test_create_with_a_lost_reply_is_found_by_its_external_id(kling: Kling, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kling, create_reply="drop")
    with pytest.raises(httpx.RemoteProtocolError, match="Server disconnected without sending a response"):
        kling.post_text(options={"external_task_id": "ours-1"})

    (task,) = sandbox.tasks(kling.word)
    (found,) = kling.read(external_task_ids="ours-1").json()["data"]
    assert found["id"] == task.task_id


def test_failed_generation_says_why_and_costs_nothing(kling: Kling, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kling, outcome="fail", fail_msg="Risk control")
    task = kling.finish(kling.create())

    assert (task["status"], task["message"]) == ("failed", "Risk control")
    assert (task["outputs"], task["billing"]) == ([], [])


def test_unknown_state_word_stays_and_hides_the_result(kling: Kling, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kling, seconds=0, state_word="paused", delivered=Delivered(width=64, height=64))
    task_id = kling.create()
    eventually(lambda: sandbox.tasks(kling.word)[0].completed_at is not None)

    assert (kling.task(task_id)["status"], kling.task(task_id)["outputs"]) == ("paused", [])


def test_success_without_a_result(kling: Kling, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kling, empty_result=True)
    task = kling.finish(kling.create())

    assert (task["status"], task["outputs"]) == ("succeeded", [])


def test_reads_fail_n_times(kling: Kling, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kling, poll_error=ErrorReply(code=1302, msg="slow down"), poll_error_times=2)
    task_id = kling.create()
    answers = [kling.read(task_ids=task_id) for _ in range(3)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(429, 1302), (429, 1302), (200, 0)]
    assert sandbox.tasks(kling.word)[0].polls == 3


def test_reset_deletes_external_ids_and_restores_the_concurrency(kling: Kling, sandbox: SandboxClient) -> None:
    kling.create(external_task_id="ours-1")
    sandbox.set_limits(kling_concurrency=0)

    sandbox.reset()

    kling.create(external_task_id="ours-1")
