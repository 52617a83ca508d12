"""Replicate's client with the sandbox as its base URL: over HTTPS, since the client knows files by such links."""

import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError
from replicate.helpers import FileOutput
from replicate.prediction import Prediction

from sandbox.scenarios import ErrorReply
from tests.sandbox.harness import FLUX, KEY, SEEDANCE, WEBHOOK_SECRET, Receiver, eventually
from tests.sdks.conftest import Asked, Rig
from tests.sdks.fal_host import HOST

LONG = 3600
AT_ONCE = 0.02


@pytest.fixture
def new_client(sandbox_url: str, certificate: tuple[Path, Path]) -> Iterator[Callable[[str], Client]]:
    # The client has no close method, but its HTTP client has.
    transport = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=certificate[0]))

    def make(token: str) -> Client:
        client = Client(api_token=token, base_url=f"https://{HOST}/replicate", transport=transport)
        client.poll_interval = AT_ONCE
        return client

    yield make
    transport.close()


@pytest.fixture
def client(new_client: Callable[[str], Client]) -> Client:
    return new_client(KEY)


def wanted(rig: Rig, **fields: object) -> dict[str, object]:
    """The input of a picture."""
    return {"prompt": rig.prompt, "output_format": "png", **fields}


def create(client: Client, rig: Rig) -> Prediction:
    return client.predictions.create(model=FLUX, input=wanted(rig))


def refused(call: Callable[[], object]) -> ReplicateError:
    """The error of a failing call."""
    with pytest.raises(ReplicateError) as raised:
        call()
    return raised.value


def test_picture_is_made_and_its_bytes_are_read(client: Client, rig: Rig) -> None:
    (picture,) = client.run(FLUX, input=wanted(rig))
    assert isinstance(picture, FileOutput)
    assert picture.read().startswith(b"\x89PNG")
    assert b"".join(picture) == picture.read()


def test_video_is_one_file_with_and_without_waiting(client: Client, rig: Rig) -> None:
    fields = {"prompt": rig.prompt, "duration": 5, "resolution": "480p"}
    video = client.run(SEEDANCE, input=fields, wait=False)
    assert isinstance(video, FileOutput)
    assert video.read()[4:8] == b"ftyp"
    url = client.run(SEEDANCE, input=fields, use_file_output=False)
    assert isinstance(url, str)
    assert url.startswith(f"https://{HOST}/files/")


def test_waiting_create_is_answered_at_the_end_and_others_at_once(client: Client, rig: Rig) -> None:
    rig.behave(seconds=0)
    held = client.models.predictions.create(FLUX, input=wanted(rig), wait=True)
    assert (held.status, held.error) == ("succeeded", None)
    assert held.output
    rig.behave(seconds=LONG)
    assert create(client, rig).status == "starting"


def test_prediction_is_followed_to_its_end(client: Client, rig: Rig) -> None:
    prediction = create(client, rig)
    assert (prediction.model, prediction.status, prediction.output) == (FLUX, "starting", None)
    assert prediction.input == wanted(rig)
    prediction.wait()
    assert prediction.status == "succeeded"
    assert prediction.metrics is not None
    assert prediction.metrics["predict_time"] <= prediction.metrics["total_time"]
    assert prediction.completed_at is not None
    assert prediction.started_at is not None
    assert prediction.created_at is not None
    assert prediction.created_at <= prediction.started_at <= prediction.completed_at
    assert client.predictions.get(prediction.id).output == prediction.output


def test_predictions_are_listed_newest_first(client: Client, rig: Rig) -> None:
    rig.behave(seconds=LONG)
    ids = [create(client, rig).id for _ in range(2)]
    page = client.predictions.list()
    assert [prediction.id for prediction in page.results] == ids[::-1]
    assert (page.next, page.previous) == (None, None)


def test_failure_has_its_reason(client: Client, rig: Rig) -> None:
    rig.behave(outcome="fail", fail_msg="NSFW content detected")
    with pytest.raises(ModelError, match="NSFW content detected") as failed:
        client.run(FLUX, input=wanted(rig))
    assert (failed.value.prediction.status, failed.value.prediction.output) == ("failed", None)


def test_prediction_is_cancelled(client: Client, rig: Rig) -> None:
    rig.behave(seconds=LONG)
    prediction = create(client, rig)
    prediction.cancel()
    assert (prediction.status, prediction.output) == ("canceled", None)
    assert client.predictions.cancel(prediction.id).status == "canceled"
    assert client.predictions.get(prediction.id).completed_at is not None


def test_waiting_client_hears_of_a_cancel_by_another(client: Client, rig: Rig) -> None:
    rig.behave(seconds=LONG)
    with ThreadPoolExecutor() as pool:
        held = pool.submit(client.models.predictions.create, FLUX, wanted(rig), wait=True)
        eventually(lambda: len(rig.sandbox.tasks(rig.word)) == 1)
        client.predictions.cancel(rig.sandbox.tasks(rig.word)[0].task_id)
        assert held.result().status == "canceled"


def test_finished_prediction_stays_as_it_is(client: Client, rig: Rig) -> None:
    prediction = create(client, rig)
    prediction.wait()
    prediction.cancel()
    assert prediction.status == "succeeded"


def test_wrong_key_is_refused_everywhere(client: Client, new_client: Callable[[str], Client], rig: Rig) -> None:
    prediction = create(client, rig)
    stranger = new_client("r8_wrong")
    for call in (
        lambda: create(stranger, rig),
        lambda: stranger.predictions.get(prediction.id),
        lambda: stranger.predictions.cancel(prediction.id),
        lambda: stranger.predictions.list(),
        lambda: stranger.webhooks.default.secret(),
    ):
        error = refused(call)
        assert (error.status, error.title) == (401, "Unauthenticated")


@pytest.mark.parametrize(
    ("fields", "word"),
    [({"aspect_ratio": "7:1"}, "aspect_ratio"), ({"prompt": 5}, "prompt"), ({"colour": "red"}, "colour")],
)
def test_wrong_field_is_refused_by_name(client: Client, rig: Rig, fields: dict[str, object], word: str) -> None:
    error = refused(lambda: client.predictions.create(model=FLUX, input=wanted(rig, **fields)))
    assert (error.status, error.title) == (422, "Input validation failed")
    assert error.detail is not None
    assert f"input.{word}" in error.detail


def test_unknown_models_and_predictions_are_not_found(client: Client, rig: Rig) -> None:
    for call in (
        lambda: client.predictions.create(model="nobody/nothing", input=wanted(rig)),
        lambda: client.predictions.get("nothing"),
        lambda: client.models.get(FLUX),
        lambda: client.predictions.create(
            version="5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa", input={}
        ),
    ):
        error = refused(call)
        assert (error.status, error.title) == (404, "Not found")


def test_rate_limit_fails_a_create_and_delays_a_read(client: Client, rig: Rig) -> None:
    busy = ErrorReply(code=429, msg="Request was throttled")
    rig.behave(seconds=LONG, create_error=busy, poll_error=busy)
    error = refused(lambda: create(client, rig))
    assert (error.status, error.detail) == (429, "Request was throttled")
    prediction = create(client, rig)
    prediction.reload()
    assert prediction.status == "starting"
    (task,) = rig.sandbox.tasks(rig.word)
    assert task.polls == 2


def test_webhooks_secret_can_be_read(client: Client) -> None:
    assert client.webhooks.default.secret().key == WEBHOOK_SECRET


def test_adapter_sends_the_same_request_as_the_client(
    client: Client, rig: Rig, asked: Asked, receiver: Receiver
) -> None:
    asked.by_us("replicate", "flux-schnell", callback_url=receiver.url, aspect_ratio="9:21", output_format="jpeg")
    client.predictions.create(
        model=FLUX,
        input={"prompt": rig.prompt, "aspect_ratio": "9:21", "output_format": "jpg"},
        webhook=receiver.url,
        webhook_events_filter=["completed"],
    )
    assert asked.is_the_same()
    receiver.wait_for(2)
