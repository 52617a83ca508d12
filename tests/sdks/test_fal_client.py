"""fal's client, with the sandbox as the host of its queue: over HTTPS, since the client takes a host and no scheme."""

from collections.abc import Callable, Iterator

import pytest
from pydantic import BaseModel, TypeAdapter

from sandbox.scenarios import ErrorReply
from tests.sandbox.harness import KEY, PIKA, Receiver
from tests.sdks.conftest import Asked, Rig
from tests.sdks.fal_host import HOST, fal_client

LONG = 3600
AT_ONCE = 0.02


class Detail(BaseModel):
    """An error of a model about its input or its run."""

    loc: list[str]
    """The place in the input."""
    type: str
    """The type of error."""
    msg: str
    """The error, as text."""


_DETAILS = TypeAdapter(list[Detail])


@pytest.fixture
def new_client(sandbox_url: str) -> Iterator[Callable[[str], fal_client.SyncClient]]:
    clients: list[fal_client.SyncClient] = []

    def make(key: str) -> fal_client.SyncClient:
        clients.append(fal_client.SyncClient(key=key))
        return clients[-1]

    yield make
    for client in clients:
        # The client has no close method, but its handles show their HTTP client.
        client.get_handle(PIKA, "none").client.close()


@pytest.fixture
def client(new_client: Callable[[str], fal_client.SyncClient]) -> fal_client.SyncClient:
    return new_client(KEY)


def submit(client: fal_client.SyncClient, rig: Rig, **fields: object) -> fal_client.SyncRequestHandle:
    return client.submit(PIKA, {"prompt": rig.prompt, **fields})


def refused(call: Callable[[], object]) -> fal_client.FalClientHTTPError:
    """The error of a failing call."""
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        call()
    return raised.value


def fields_of(error: fal_client.FalClientHTTPError) -> set[object]:
    """The fields that a model refuses."""
    return {field for detail in _DETAILS.validate_python(error.message) for field in detail.loc[1:]}


def test_video_is_made_and_its_bytes_are_fetched(
    client: fal_client.SyncClient, rig: Rig, download: Callable[[str], bytes]
) -> None:
    handle = submit(client, rig, aspect_ratio="1:1")
    result = handle.get(interval=AT_ONCE)
    assert download(result["video"]["url"])[4:8] == b"ftyp"
    status = handle.status()
    assert isinstance(status, fal_client.Completed)
    assert (status.logs, status.error, status.error_type) == (None, None, None)
    assert status.metrics["inference_time"] >= 0


def test_request_is_found_by_its_id_alone(client: fal_client.SyncClient, rig: Rig) -> None:
    request_id = submit(client, rig).request_id
    assert client.result(PIKA, request_id)["video"]["file_name"].endswith(".mp4")
    assert isinstance(client.status(PIKA, request_id), fal_client.Completed)
    assert (
        client.get_handle(PIKA, request_id).status_url == f"https://{HOST}/fal/fal-ai/pika/requests/{request_id}/status"
    )


def test_client_reports_each_state_while_it_waits(client: fal_client.SyncClient, rig: Rig) -> None:
    rig.behave(seconds=0.3)
    ids: list[str] = []
    seen: list[fal_client.Status] = []
    arguments = {"prompt": rig.prompt}
    result = client.subscribe(
        PIKA, arguments, with_logs=True, interval=AT_ONCE, on_enqueue=ids.append, on_queue_update=seen.append
    )
    assert result["video"]["url"].endswith(f"{ids[0]}.mp4")
    assert isinstance(seen[-1], fal_client.Completed)
    # A slow machine may miss a state. The order of the seen states is fixed.
    kinds = list(dict.fromkeys(type(status) for status in seen))
    assert kinds == [kind for kind in (fal_client.Queued, fal_client.InProgress, fal_client.Completed) if kind in kinds]


def test_queued_request_has_a_place_and_running_one_has_logs_on_request(
    client: fal_client.SyncClient, rig: Rig
) -> None:
    rig.behave(seconds=LONG)
    assert submit(client, rig).status(with_logs=True) == fal_client.Queued(position=0)
    rig.behave(seconds=LONG, state_word="IN_PROGRESS")
    running = submit(client, rig)
    assert running.status() == fal_client.InProgress(logs=None)
    status = running.status(with_logs=True)
    assert isinstance(status, fal_client.InProgress)
    assert status.logs is not None
    (entry,) = status.logs
    assert set(entry) == {"timestamp", "level", "source", "message"}
    assert PIKA in entry["message"]


def test_failure_of_a_model_is_in_the_result(client: fal_client.SyncClient, rig: Rig) -> None:
    rig.behave(outcome="fail", fail_code="content_policy_violation", fail_msg="This was flagged")
    handle = submit(client, rig)
    error = refused(lambda: handle.get(interval=AT_ONCE))
    assert error.status_code == 422
    (detail,) = _DETAILS.validate_python(error.message)
    assert (detail.type, detail.msg) == ("content_policy_violation", "This was flagged")
    status = handle.status()
    assert isinstance(status, fal_client.Completed)
    assert status.error is None


@pytest.mark.parametrize(("kind", "code"), [("startup_timeout", 504), ("runner_disconnected", 503)])
def test_failure_of_fals_own_servers_is_in_state_result_and_header(
    client: fal_client.SyncClient, rig: Rig, kind: str, code: int
) -> None:
    rig.behave(outcome="fail", fail_code=kind, fail_msg="No runner")
    handle = submit(client, rig)
    *_, status = handle.iter_events(interval=AT_ONCE)
    assert isinstance(status, fal_client.Completed)
    assert (status.error, status.error_type) == ("No runner", kind)
    error = refused(handle.get)
    assert (error.status_code, error.message, error.error_type) == (code, "No runner", kind)
    assert error.response_headers["x-fal-error-type"] == kind


def test_queued_request_is_removed(client: fal_client.SyncClient, rig: Rig) -> None:
    rig.behave(seconds=LONG)
    handle = submit(client, rig)
    handle.cancel()
    assert refused(handle.status).status_code == 404
    assert refused(handle.cancel).status_code == 404
    assert [task.state for task in rig.sandbox.tasks(rig.word)] == ["cancelled"]


def test_running_request_is_stopped_and_says_so(client: fal_client.SyncClient, rig: Rig) -> None:
    # The work begins after 2 s, stops 2.1 s after the cancel, and would end after 8 s.
    rig.behave(seconds=8, cancel="slow", cancel_seconds=2.1)
    handle = submit(client, rig)
    client.cancel(PIKA, handle.request_id)
    *_, status = handle.iter_events(interval=AT_ONCE)
    assert isinstance(status, fal_client.Completed)
    assert (status.error, status.error_type) == ("Request was cancelled by the user", "client_cancelled")
    error = refused(handle.get)
    assert (error.status_code, error.error_type) == (499, "client_cancelled")


def test_finished_request_cannot_be_cancelled(client: fal_client.SyncClient, rig: Rig) -> None:
    handle = submit(client, rig)
    handle.get(interval=AT_ONCE)
    error = refused(handle.cancel)
    assert error.status_code == 400
    assert "ALREADY_COMPLETED" in error.message


def test_wrong_key_is_refused_everywhere(
    client: fal_client.SyncClient, new_client: Callable[[str], fal_client.SyncClient], rig: Rig
) -> None:
    request_id = submit(client, rig).request_id
    stranger = new_client("wrong")
    for call in (
        lambda: submit(stranger, rig),
        lambda: stranger.status(PIKA, request_id),
        lambda: stranger.result(PIKA, request_id),
        lambda: stranger.cancel(PIKA, request_id),
    ):
        assert refused(call).status_code == 401


def test_wrong_field_is_refused_by_name(client: fal_client.SyncClient, rig: Rig) -> None:
    for field, value in {"aspect_ratio": "7:1", "duration": 5, "prompt": "", "colour": "red"}.items():
        error = refused(lambda field=field, value=value: submit(client, rig, **{field: value}))  # type: ignore[misc]
        assert (error.status_code, fields_of(error)) == (422, {field})


def test_unknown_app_is_not_found(client: fal_client.SyncClient, rig: Rig) -> None:
    assert refused(lambda: client.submit("fal-ai/nothing", {"prompt": rig.prompt})).status_code == 404
    assert refused(lambda: client.status(PIKA, "nothing")).status_code == 404


def test_client_waits_for_the_rate_limit(client: fal_client.SyncClient, rig: Rig) -> None:
    rig.behave(seconds=LONG, create_error=ErrorReply(code=429, msg="Too many requests"))
    assert isinstance(submit(client, rig).status(), fal_client.Queued)
    requests = rig.sandbox.requests(rig.word)
    assert (requests.accepted, requests.refused_by_code) == (1, {429: 1})


def test_server_error_is_reported(client: fal_client.SyncClient, rig: Rig) -> None:
    rig.behave(create_error=ErrorReply(code=500, msg="Internal server error"))
    error = refused(lambda: submit(client, rig))
    assert (error.status_code, error.message) == (500, "Internal server error")


def test_end_is_sent_to_the_requested_webhook(client: fal_client.SyncClient, rig: Rig, receiver: Receiver) -> None:
    handle = client.submit(PIKA, {"prompt": rig.prompt}, webhook_url=f"{receiver.url}?a=1&b=2")
    (webhook,) = receiver.wait_for(1)
    assert webhook.headers["x-fal-webhook-request-id"] == handle.request_id
    (task,) = rig.sandbox.tasks(rig.word)
    assert task.call_back_url == f"{receiver.url}?a=1&b=2"


def test_adapter_sends_the_same_request_as_the_client(
    client: fal_client.SyncClient, rig: Rig, asked: Asked, receiver: Receiver
) -> None:
    asked.by_us(
        "fal",
        "pika-2.2-text-to-video",
        callback_url=f"{receiver.url}?a=1&b=2",
        aspect_ratio="4:5",
        resolution="1080p",
        duration_seconds=10,
    )
    arguments = {"prompt": rig.prompt, "aspect_ratio": "4:5", "resolution": "1080p", "duration": "10"}
    client.submit(PIKA, arguments, webhook_url=f"{receiver.url}?a=1&b=2")
    assert asked.is_the_same()
    receiver.wait_for(2)
