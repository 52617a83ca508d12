"""Standard Webhooks: signed by the sandbox, verified by two vendors' clients, the reference library and us."""

import base64
import time
from collections.abc import Callable, Mapping

import httpx
import openai
import pytest
from openai import OpenAI
from replicate.webhook import Webhooks, WebhookSigningSecret, WebhookValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from providers.webhooks import standard_webhooks
from sandbox.standard_webhooks import signature_headers
from sandbox.task import Seal
from schemas.errors import CallbackRefused
from tests.sandbox.harness import FLUX, KEY, WEBHOOK_SECRET, Receiver
from tests.sdks.conftest import Rig

BODY = '{"id": "msg", "word": "schön"}'.encode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret").decode()

Verifier = Callable[[Mapping[str, str], bytes], bool]


def openai_takes(headers: Mapping[str, str], body: bytes) -> bool:
    with OpenAI(api_key=KEY, webhook_secret=WEBHOOK_SECRET) as client:
        try:
            client.webhooks.verify_signature(body, headers, tolerance=standard_webhooks.WINDOW_SECONDS)
        except (openai.InvalidWebhookSignatureError, ValueError):
            return False
    return True


def replicate_takes(headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhooks.validate(
            headers=dict(headers),
            body=body.decode(),
            secret=WebhookSigningSecret(key=WEBHOOK_SECRET),
            tolerance=standard_webhooks.WINDOW_SECONDS,
        )
    except WebhookValidationError:
        return False
    return True


def the_reference_takes(headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(WEBHOOK_SECRET).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def we_take(headers: Mapping[str, str], body: bytes) -> bool:
    try:
        standard_webhooks.verify(WEBHOOK_SECRET, headers, body, now=time.time())
    except CallbackRefused:
        return False
    return True


@pytest.fixture(params=[openai_takes, replicate_takes, the_reference_takes, we_take])
def takes(request: pytest.FixtureRequest) -> Verifier:
    """Each verifier in turn."""
    verifier: Verifier = request.param
    return verifier


def ours(*, ago: int = 0, secret: str = WEBHOOK_SECRET, **changes: str) -> dict[str, str]:
    """The headers of a callback with `BODY` that we signed."""
    timestamp = int(time.time()) - ago
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_webhooks.sign(secret, "msg_1", timestamp, BODY),
    }
    return {**headers, **{name.replace("_", "-"): value for name, value in changes.items()}}


def test_webhook_of_the_sandbox_is_accepted(takes: Verifier, rig: Rig, sandbox_url: str, receiver: Receiver) -> None:
    create = {"input": {"prompt": rig.prompt, "output_format": "png"}, "webhook": receiver.url}
    answer = httpx.post(
        f"{sandbox_url}/replicate/v1/models/{FLUX}/predictions",
        json=create,
        headers={"Authorization": f"Bearer {KEY}"},
    )
    (sent,) = receiver.wait_for(1)
    assert takes(sent.headers, sent.body)
    assert not takes(sent.headers, sent.body + b" ")
    for signed in ("wrong", False):
        rig.sandbox.send_callback(answer.json()["id"], signed=signed)
        assert not takes(receiver.received[-1].headers, receiver.received[-1].body)


def test_webhook_signed_by_us_is_accepted(takes: Verifier) -> None:
    assert takes(ours(), BODY)
    assert takes(signature_headers(WEBHOOK_SECRET, "msg_1", BODY, Seal.TRUE), BODY)


def test_one_valid_signature_among_others_is_enough(takes: Verifier) -> None:
    good, bad = ours()["webhook-signature"], ours(secret=OTHER_SECRET)["webhook-signature"]
    assert takes(ours(webhook_signature=f"{bad} {good}"), BODY)
    assert not takes(ours(webhook_signature=f"{bad} {bad}"), BODY)


@pytest.mark.parametrize(
    "change",
    [
        lambda: ours(secret=OTHER_SECRET),
        lambda: ours(webhook_id="msg_2"),
        lambda: ours(webhook_timestamp=str(int(time.time()) + 10)),
        lambda: ours(ago=standard_webhooks.WINDOW_SECONDS + 60),
        lambda: ours(ago=-standard_webhooks.WINDOW_SECONDS - 60),
        lambda: ours(webhook_signature=""),
        lambda: ours(webhook_id=""),
        lambda: {name: value for name, value in ours().items() if name != "webhook-timestamp"},
        dict,
    ],
    ids=["secret", "id", "time", "old", "early", "no signature", "no id", "no time", "nothing"],
)
def test_manipulated_webhook_is_refused(takes: Verifier, change: Callable[[], dict[str, str]]) -> None:
    assert not takes(change(), BODY)
