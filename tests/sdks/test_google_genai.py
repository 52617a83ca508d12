"""Google's client, given the sandbox as its base URL: what it sends is taken, and what it is answered it can read."""

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
import pytest
from google import genai
from google.genai import errors
from google.genai.interactions import Interaction
from google.genai.types import FileState, HttpOptions

from providers.adapters.gemini.adapter import Gemini
from providers.base import InputFile, ProviderRequest
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from schemas.orders import Inputs
from schemas.settings import ProviderSettings
from tests.sandbox.harness import (
    BANANA,
    KEY,
    OMNI,
    PATIENCE_SECONDS,
    WEBHOOK_SECRET,
    eventually,
    free_port,
    receiving,
    start_sandbox,
)

LONG = 3600
TINY = Delivered(width=64, height=64, duration_seconds=1)
VIDEO = {"type": "video", "aspect_ratio": "9:16", "resolution": "720p", "duration": "4s", "delivery": "uri"}


@dataclass(frozen=True)
class Stage:
    """The sandbox, and a word in every prompt that scenarios go by."""

    url: str
    sandbox: SandboxClient
    word: str

    @property
    def prompt(self) -> str:
        return f"a boat {self.word}"

    def behave(self, **fields: object) -> None:
        scenario = {"match": Match(prompt_contains=self.word), "delivered": TINY, **fields}
        self.sandbox.add_scenario(Scenario.model_validate(scenario))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A sandbox of its own, without TLS."""
    port = free_port()
    process = start_sandbox(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def stage(address: str) -> Iterator[Stage]:
    with SandboxClient(address) as sandbox:
        sandbox.reset()
        stage = Stage(address, sandbox, uuid4().hex)
        stage.behave()
        yield stage


@pytest.fixture
def new_client(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], genai.Client]]:
    """Clients that find nothing of a developer's in their environment."""
    for name in list(os.environ):
        if name.upper().startswith(("GOOGLE_", "GEMINI_")):
            monkeypatch.delenv(name)
    clients: list[genai.Client] = []

    def make(key: str) -> genai.Client:
        options = HttpOptions(base_url=f"{address}/gemini", client_args={"trust_env": False})
        clients.append(genai.Client(api_key=key, http_options=options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(new_client: Callable[[str], genai.Client]) -> genai.Client:
    return new_client(KEY)


def sent(client: genai.Client, **body: Any) -> Interaction:
    """What a create is answered."""
    interaction = client.interactions.create(**body)
    assert isinstance(interaction, Interaction)
    return interaction


def create(client: genai.Client, stage: Stage, **fields: Any) -> str:
    """The id of a video that was ordered."""
    wanted = {"model": OMNI, "input": stage.prompt, "response_format": VIDEO, "background": True, **fields}
    interaction = sent(client, **wanted)
    assert (interaction.status, interaction.model) == ("queued", OMNI)
    assert interaction.id
    return interaction.id


def draw(client: genai.Client, *contents: dict[str, str]) -> bytes:
    """A picture, for which the client waits."""
    made = sent(client, model=BANANA, input=list(contents) or "a boat", response_format={"type": "image"})
    assert made.status == "completed"
    assert made.output_image is not None
    return base64.b64decode(str(made.output_image.data))


def finish(client: genai.Client, interaction_id: str) -> Interaction:
    """Read until the interaction has ended; gives it."""
    eventually(lambda: client.interactions.get(interaction_id).status not in {"queued", "in_progress"})
    return client.interactions.get(interaction_id)


def file_of(interaction: Interaction) -> str:
    """The name of the file that an interaction made."""
    output = interaction.output_video or interaction.output_image
    assert output is not None
    assert output.uri is not None
    return "files/" + output.uri.rpartition("/")[2]


def test_a_video_is_made_and_its_bytes_are_fetched(client: genai.Client, stage: Stage) -> None:
    interaction = finish(client, create(client, stage))
    assert interaction.status == "completed"
    name = file_of(interaction)
    file = client.files.get(name=name)
    assert (file.state, file.mime_type, file.name) == (FileState.ACTIVE, "video/mp4", name)
    content = client.files.download(file=name)
    assert content is not None
    assert (content[4:8], len(content)) == (b"ftyp", file.size_bytes)


def test_a_video_that_comes_within_its_interaction(client: genai.Client, stage: Stage) -> None:
    stage.behave(inline_result=True)
    output = finish(client, create(client, stage)).output_video
    assert output is not None
    assert output.data is not None
    assert (base64.b64decode(output.data)[4:8], output.uri) == (b"ftyp", None)


def test_a_picture_is_edited_while_the_client_waits(client: genai.Client, stage: Stage) -> None:
    drawn = {"type": "image", "mime_type": "image/png", "data": base64.b64encode(draw(client)).decode()}
    assert draw(client, drawn, {"type": "text", "text": stage.prompt}).startswith(b"\x89PNG")


def test_a_failure_is_told(client: genai.Client, stage: Stage) -> None:
    stage.behave(outcome="fail", fail_code="internal", fail_msg="it broke")
    interaction = finish(client, create(client, stage))
    assert interaction.status == "failed"
    (error,) = interaction.errors or []
    assert (error.code, error.message) == ("internal", "it broke")


def test_an_interaction_is_cancelled(client: genai.Client, stage: Stage) -> None:
    stage.behave(seconds=LONG)
    interaction_id = create(client, stage)
    assert client.interactions.cancel(interaction_id).status == "cancelled"
    assert client.interactions.get(interaction_id).status == "cancelled"


def refused(call: Callable[[], object]) -> tuple[int | None, str]:
    """The status and the class of the error with which a call ends."""
    with pytest.raises(Exception, match="'error'") as caught:
        call()
    return getattr(caught.value, "status_code", None), type(caught.value).__name__


def test_a_wrong_key_is_refused(new_client: Callable[[str], genai.Client], stage: Stage) -> None:
    stranger = new_client("wrong")
    assert refused(lambda: create(stranger, stage)) == (400, "BadRequestError")
    assert refused(lambda: stranger.interactions.get("v1_1")) == (400, "BadRequestError")
    with pytest.raises(errors.ClientError, match="API key not valid"):
        list(stranger.models.list())


def test_refusals_are_of_the_kinds_that_the_client_knows(client: genai.Client, stage: Stage) -> None:
    assert refused(lambda: client.interactions.get("v1_1")) == (404, "NotFoundError")
    assert refused(lambda: create(client, stage, response_format={"type": "video", "duration": "60s"})) == (
        400,
        "BadRequestError",
    )
    # It sends a create again that was refused for its number, and this one is taken.
    stage.behave(create_error=ErrorReply(code=429, msg="slow down", retry_after=0))
    create(client, stage)
    assert stage.sandbox.requests(stage.word).refused_by_code == {400: 1, 429: 1}


def test_the_models_are_listed(client: genai.Client) -> None:
    assert {f"models/{OMNI}", f"models/{BANANA}"} <= {model.name for model in client.models.list()}


def test_a_webhook_of_the_request_carries_googles_token(client: genai.Client, stage: Stage) -> None:
    with receiving() as receiver:
        interaction_id = create(client, stage, webhook_config={"uris": [receiver.url]})
        (callback,) = receiver.wait_for(1)
    keys = jwt.PyJWKClient(f"{stage.url}/gemini/.well-known/jwks.json")
    token = callback.headers["webhook-signature"]
    key = keys.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["RS256"], options={"verify_aud": False})
    assert claims["data"] == {"id": interaction_id}


def test_a_webhook_of_the_project_is_registered(client: genai.Client, stage: Stage) -> None:
    with receiving() as receiver:
        webhook = client.webhooks.create(uri=receiver.url, subscribed_events=["interaction.completed"], name="ours")
        create(client, stage)
        (callback,) = receiver.wait_for(1)
    assert (webhook.state, webhook.new_signing_secret) == ("enabled", WEBHOOK_SECRET)
    assert callback.headers["webhook-signature"].startswith("v1,")


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (OMNI, {"resolution": "1080p", "duration_seconds": 4, "seed": 7}),
        (BANANA, {"resolution": "2K", "output_format": "jpeg"}),
    ],
)
def test_the_adapter_asks_as_the_client_does(
    client: genai.Client, stage: Stage, model: str, fields: dict[str, object]
) -> None:
    stage.behave(seconds=LONG)
    picture = "https://media.example/1.png"
    inputs = Inputs.model_validate({"prompt": stage.prompt, "image_urls": [picture], "aspect_ratio": "16:9", **fields})
    transport = Transport()
    settings = ProviderSettings.model_validate({"api_key": KEY, "base_url": f"{stage.url}/gemini"})
    Gemini("gemini", settings, transport).submit(
        ProviderRequest(model, inputs, {picture: InputFile(draw(client), "image/png")}),
        callback_url=None,
        generation_id=uuid4(),
        fence=lambda: None,
    )
    transport.close()
    (ours,) = stage.sandbox.tasks(stage.word)
    sent(client, **ours.request)
    (_, googles) = stage.sandbox.tasks(stage.word)
    assert googles.request == ours.request
