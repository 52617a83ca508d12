"""Google's client with the sandbox as its base URL: the sandbox takes its requests, and it can read the answers."""

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
from schemas.setting_groups import ProviderSettings
from stack.ports import free_port
from tests.sandbox.harness import (
    BANANA,
    KEY,
    OMNI,
    PATIENCE_SECONDS,
    WEBHOOK_SECRET,
    eventually,
    receiving,
    start_sandbox,
)

LONG = 3600
TINY = Delivered(width=64, height=64, duration_seconds=1)
VIDEO = {"type": "video", "aspect_ratio": "9:16", "resolution": "720p", "duration": "4s", "delivery": "uri"}


@dataclass(frozen=True)
class Rig:
    """The sandbox, and a unique word for prompts and scenarios."""

    url: str
    """The URL of the sandbox."""
    sandbox: SandboxClient
    """Controls the sandbox."""
    word: str
    """The word in the test's prompts."""

    @property
    def prompt(self) -> str:
        return f"a boat {self.word}"

    def behave(self, **fields: object) -> None:
        scenario = {"match": Match(prompt_contains=self.word), "delivered": TINY, **fields}
        self.sandbox.add_scenario(Scenario.model_validate(scenario))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A separate sandbox without TLS."""
    port = free_port()
    process = start_sandbox(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def rig(address: str) -> Iterator[Rig]:
    with SandboxClient(address) as sandbox:
        sandbox.reset()
        rig = Rig(address, sandbox, uuid4().hex)
        rig.behave()
        yield rig


@pytest.fixture
def new_client(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], genai.Client]]:
    """Clients that ignore a developer's environment."""
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
    """The answer to a create."""
    interaction = client.interactions.create(**body)
    assert isinstance(interaction, Interaction)
    return interaction


def create(client: genai.Client, rig: Rig, **fields: Any) -> str:
    """The id of an ordered video."""
    wanted = {"model": OMNI, "input": rig.prompt, "response_format": VIDEO, "background": True, **fields}
    interaction = sent(client, **wanted)
    assert (interaction.status, interaction.model) == ("queued", OMNI)
    assert interaction.id
    return interaction.id


def draw(client: genai.Client, *contents: dict[str, str]) -> bytes:
    """A picture. The client waits for its end."""
    made = sent(client, model=BANANA, input=list(contents) or "a boat", response_format={"type": "image"})
    assert made.status == "completed"
    assert made.output_image is not None
    return base64.b64decode(str(made.output_image.data))


def finish(client: genai.Client, interaction_id: str) -> Interaction:
    """Read the interaction until it ends, and return it."""
    eventually(lambda: client.interactions.get(interaction_id).status not in {"queued", "in_progress"})
    return client.interactions.get(interaction_id)


def file_of(interaction: Interaction) -> str:
    """The file name of an interaction."""
    output = interaction.output_video or interaction.output_image
    assert output is not None
    assert output.uri is not None
    return "files/" + output.uri.rpartition("/")[2]


def test_video_is_made_and_its_bytes_are_fetched(client: genai.Client, rig: Rig) -> None:
    interaction = finish(client, create(client, rig))
    assert interaction.status == "completed"
    name = file_of(interaction)
    file = client.files.get(name=name)
    assert (file.state, file.mime_type, file.name) == (FileState.ACTIVE, "video/mp4", name)
    content = client.files.download(file=name)
    assert content is not None
    assert (content[4:8], len(content)) == (b"ftyp", file.size_bytes)


def test_video_is_delivered_within_its_interaction(client: genai.Client, rig: Rig) -> None:
    rig.behave(inline_result=True)
    output = finish(client, create(client, rig)).output_video
    assert output is not None
    assert output.data is not None
    assert (base64.b64decode(output.data)[4:8], output.uri) == (b"ftyp", None)


def test_picture_is_edited_while_the_client_waits(client: genai.Client, rig: Rig) -> None:
    drawn = {"type": "image", "mime_type": "image/png", "data": base64.b64encode(draw(client)).decode()}
    assert draw(client, drawn, {"type": "text", "text": rig.prompt}).startswith(b"\x89PNG")


def test_failure_is_reported(client: genai.Client, rig: Rig) -> None:
    rig.behave(outcome="fail", fail_code="internal", fail_msg="it broke")
    interaction = finish(client, create(client, rig))
    assert interaction.status == "failed"
    (error,) = interaction.errors or []
    assert (error.code, error.message) == ("internal", "it broke")


def test_interaction_is_cancelled(client: genai.Client, rig: Rig) -> None:
    rig.behave(seconds=LONG)
    interaction_id = create(client, rig)
    assert client.interactions.cancel(interaction_id).status == "cancelled"
    assert client.interactions.get(interaction_id).status == "cancelled"


def refused(call: Callable[[], object]) -> tuple[int | None, str]:
    """Status and class of the error of a failing call."""
    with pytest.raises(Exception, match="'error'") as caught:
        call()
    return getattr(caught.value, "status_code", None), type(caught.value).__name__


def test_wrong_key_is_refused(new_client: Callable[[str], genai.Client], rig: Rig) -> None:
    stranger = new_client("wrong")
    assert refused(lambda: create(stranger, rig)) == (400, "BadRequestError")
    assert refused(lambda: stranger.interactions.get("v1_1")) == (400, "BadRequestError")
    with pytest.raises(errors.ClientError, match="API key not valid"):
        list(stranger.models.list())


def test_refusals_raise_the_clients_own_errors(client: genai.Client, rig: Rig) -> None:
    assert refused(lambda: client.interactions.get("v1_1")) == (404, "NotFoundError")
    assert refused(lambda: create(client, rig, response_format={"type": "video", "duration": "60s"})) == (
        400,
        "BadRequestError",
    )
    # The client repeats a create that a rate limit refused, and the second one succeeds.
    rig.behave(create_error=ErrorReply(code=429, msg="slow down", retry_after=0))
    create(client, rig)
    assert rig.sandbox.requests(rig.word).refused_by_code == {400: 1, 429: 1}


def test_models_are_listed(client: genai.Client) -> None:
    assert {f"models/{OMNI}", f"models/{BANANA}"} <= {model.name for model in client.models.list()}


def test_webhook_of_the_request_carries_googles_token(client: genai.Client, rig: Rig) -> None:
    with receiving() as receiver:
        interaction_id = create(client, rig, webhook_config={"uris": [receiver.url]})
        (callback,) = receiver.wait_for(1)
    keys = jwt.PyJWKClient(f"{rig.url}/gemini/.well-known/jwks.json")
    token = callback.headers["webhook-signature"]
    key = keys.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["RS256"], options={"verify_aud": False})
    assert claims["data"] == {"id": interaction_id}


def test_webhook_of_the_project_is_registered(client: genai.Client, rig: Rig) -> None:
    with receiving() as receiver:
        webhook = client.webhooks.create(uri=receiver.url, subscribed_events=["interaction.completed"], name="ours")
        create(client, rig)
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
def test_adapter_sends_the_same_request_as_the_client(
    client: genai.Client, rig: Rig, model: str, fields: dict[str, object]
) -> None:
    rig.behave(seconds=LONG)
    picture = "https://media.example/1.png"
    inputs = Inputs.model_validate({"prompt": rig.prompt, "image_urls": [picture], "aspect_ratio": "16:9", **fields})
    transport = Transport()
    settings = ProviderSettings.model_validate({"api_key": KEY, "base_url": f"{rig.url}/gemini"})
    Gemini("gemini", settings, transport).submit(
        ProviderRequest(model, inputs, {picture: InputFile(draw(client), "image/png")}),
        callback_url=None,
        generation_id=uuid4(),
        fence=lambda: None,
    )
    transport.close()
    (ours,) = rig.sandbox.tasks(rig.word)
    sent(client, **ours.request)
    (_, googles) = rig.sandbox.tasks(rig.word)
    assert googles.request == ours.request
