"""Replicate's client, given the sandbox as its base URL: over HTTPS, since it knows a file by such a link."""

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
from tests.sdks.conftest import Asked, Stage
from tests.sdks.fal_host import HOST

LONG = 3600
AT_ONCE = 0.02


@pytest.fixture
def new_client(sandbox_url: str, certificate: tuple[Path, Path]) -> Iterator[Callable[[str], Client]]:
    # The client has no way to be closed; what it sends with has.
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


def wanted(stage: Stage, **fields: object) -> dict[str, object]:
    """The input of a picture."""
    return {"prompt": stage.prompt, "output_format": "png", **fields}


def create(client: Client, stage: Stage) -> Prediction:
    return client.predictions.create(model=FLUX, input=wanted(stage))


def refused(call: Callable[[], object]) -> ReplicateError:
    """The error with which a call ends."""
    with pytest.raises(ReplicateError) as raised:
        call()
    return raised.value


def test_a_picture_is_made_and_its_bytes_are_read(client: Client, stage: Stage) -> None:
    (picture,) = client.run(FLUX, input=wanted(stage))
    assert isinstance(picture, FileOutput)
    assert picture.read().startswith(b"\x89PNG")
    assert b"".join(picture) == picture.read()


def test_a_video_is_one_file_and_comes_to_who_does_not_wait_too(client: Client, stage: Stage) -> None:
    fields = {"prompt": stage.prompt, "duration": 5, "resolution": "480p"}
    video = client.run(SEEDANCE, input=fields, wait=False)
    assert isinstance(video, FileOutput)
    assert video.read()[4:8] == b"ftyp"
    url = client.run(SEEDANCE, input=fields, use_file_output=False)
    assert isinstance(url, str)
    assert url.startswith(f"https://{HOST}/files/")


def test_who_waits_is_answered_at_the_end_and_who_does_not_at_once(client: Client, stage: Stage) -> None:
    stage.behave(seconds=0)
    held = client.models.predictions.create(FLUX, input=wanted(stage), wait=True)
    assert (held.status, held.error) == ("succeeded", None)
    assert held.output
    stage.behave(seconds=LONG)
    assert create(client, stage).status == "starting"


def test_a_prediction_is_followed_to_its_end(client: Client, stage: Stage) -> None:
    prediction = create(client, stage)
    assert (prediction.model, prediction.status, prediction.output) == (FLUX, "starting", None)
    assert prediction.input == wanted(stage)
    prediction.wait()
    assert prediction.status == "succeeded"
    assert prediction.metrics is not None
    assert prediction.metrics["predict_time"] <= prediction.metrics["total_time"]
    assert prediction.completed_at is not None
    assert prediction.started_at is not None
    assert prediction.created_at is not None
    assert prediction.created_at <= prediction.started_at <= prediction.completed_at
    assert client.predictions.get(prediction.id).output == prediction.output


def test_predictions_are_listed_the_newest_first(client: Client, stage: Stage) -> None:
    stage.behave(seconds=LONG)
    ids = [create(client, stage).id for _ in range(2)]
    page = client.predictions.list()
    assert [prediction.id for prediction in page.results] == ids[::-1]
    assert (page.next, page.previous) == (None, None)


def test_a_failure_tells_why(client: Client, stage: Stage) -> None:
    stage.behave(outcome="fail", fail_msg="NSFW content detected")
    with pytest.raises(ModelError, match="NSFW content detected") as failed:
        client.run(FLUX, input=wanted(stage))
    assert (failed.value.prediction.status, failed.value.prediction.output) == ("failed", None)


def test_a_prediction_is_cancelled(client: Client, stage: Stage) -> None:
    stage.behave(seconds=LONG)
    prediction = create(client, stage)
    prediction.cancel()
    assert (prediction.status, prediction.output) == ("canceled", None)
    assert client.predictions.cancel(prediction.id).status == "canceled"
    assert client.predictions.get(prediction.id).completed_at is not None


def test_who_waits_for_what_another_cancels_is_told(client: Client, stage: Stage) -> None:
    stage.behave(seconds=LONG)
    with ThreadPoolExecutor() as pool:
        held = pool.submit(client.models.predictions.create, FLUX, wanted(stage), wait=True)
        eventually(lambda: len(stage.sandbox.tasks(stage.word)) == 1)
        client.predictions.cancel(stage.sandbox.tasks(stage.word)[0].task_id)
        assert held.result().status == "canceled"


def test_what_ended_stays_as_it_is(client: Client, stage: Stage) -> None:
    prediction = create(client, stage)
    prediction.wait()
    prediction.cancel()
    assert prediction.status == "succeeded"


def test_a_wrong_key_is_refused_everywhere(client: Client, new_client: Callable[[str], Client], stage: Stage) -> None:
    prediction = create(client, stage)
    stranger = new_client("r8_wrong")
    for call in (
        lambda: create(stranger, stage),
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
def test_a_wrong_field_is_refused_by_its_name(
    client: Client, stage: Stage, fields: dict[str, object], word: str
) -> None:
    error = refused(lambda: client.predictions.create(model=FLUX, input=wanted(stage, **fields)))
    assert (error.status, error.title) == (422, "Input validation failed")
    assert error.detail is not None
    assert f"input.{word}" in error.detail


def test_what_is_not_there_is_not_found(client: Client, stage: Stage) -> None:
    for call in (
        lambda: client.predictions.create(model="nobody/nothing", input=wanted(stage)),
        lambda: client.predictions.get("nothing"),
        lambda: client.models.get(FLUX),
        lambda: client.predictions.create(
            version="5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa", input={}
        ),
    ):
        error = refused(call)
        assert (error.status, error.title) == (404, "Not found")


def test_a_rate_limit_is_told_to_who_creates_and_waited_for_by_who_reads(client: Client, stage: Stage) -> None:
    busy = ErrorReply(code=429, msg="Request was throttled")
    stage.behave(seconds=LONG, create_error=busy, poll_error=busy)
    error = refused(lambda: create(client, stage))
    assert (error.status, error.detail) == (429, "Request was throttled")
    prediction = create(client, stage)
    prediction.reload()
    assert prediction.status == "starting"
    (task,) = stage.sandbox.tasks(stage.word)
    assert task.polls == 2


def test_the_webhooks_secret_is_told(client: Client) -> None:
    assert client.webhooks.default.secret().key == WEBHOOK_SECRET


def test_our_adapter_asks_as_the_client_does(client: Client, stage: Stage, asked: Asked, receiver: Receiver) -> None:
    asked.by_us("replicate", "flux-schnell", callback_url=receiver.url, aspect_ratio="9:21", output_format="jpeg")
    client.predictions.create(
        model=FLUX,
        input={"prompt": stage.prompt, "aspect_ratio": "9:21", "output_format": "jpg"},
        webhook=receiver.url,
        webhook_events_filter=["completed"],
    )
    assert asked.is_the_same()
    receiver.wait_for(2)
