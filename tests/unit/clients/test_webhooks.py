import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from reelworks_client import InvalidWebhook, verify

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()
BODY = json.dumps(
    {
        "id": "4711",
        "type": "generation.completed",
        "version": 1,
        "created_at": "2026-11-29T12:00:00Z",
        "sequence": 4711,
        "data": {"generation_id": "g", "status": "completed", "metadata": {"thread": "7"}},
    }
).encode()


def signed(secret: str = SECRET, *, age: float = 0, body: bytes = BODY) -> dict[str, str]:
    """The headers of a webhook, by the reference library."""
    then = datetime.fromtimestamp(time.time() - age, UTC)
    return {
        "Webhook-Id": "4711",
        "Webhook-Timestamp": str(int(then.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("4711", then, body.decode()),
    }


def test_webhook_of_the_reference_library_is_genuine() -> None:
    notification = verify(BODY, signed(), SECRET)
    assert (notification.id, notification.type, notification.sequence) == ("4711", "generation.completed", 4711)
    assert notification.data["metadata"] == {"thread": "7"}


def test_both_secrets_are_valid_during_a_rotation() -> None:
    assert verify(BODY, signed(OTHER), [SECRET, OTHER]).id == "4711"
    both = signed() | {
        "Webhook-Signature": f"v1a,AAAA {signed(OTHER)['Webhook-Signature']} {signed()['Webhook-Signature']}"
    }
    assert verify(BODY, both, SECRET).id == "4711"


# A webhook is signed in its test: the run may have begun long before.
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY + b" ", signed),
        (BODY, lambda: signed(OTHER)),
        (BODY, lambda: signed() | {"Webhook-Id": "4712"}),
        (BODY, lambda: signed() | {"Webhook-Timestamp": "soon"}),
        (BODY, lambda: signed() | {"Webhook-Signature": "v1,???"}),
        (BODY, lambda: signed() | {"Webhook-Signature": ""}),
        (BODY, dict),
        (BODY, lambda: signed(age=600)),
        (BODY, lambda: signed(age=-600)),
        (b"[]", lambda: signed(body=b"[]")),
    ],
    ids=["body", "secret", "id", "time", "base64", "empty", "no headers", "old", "early", "no notification"],
)
def test_forged_or_old_webhook_is_refused(body: bytes, headers: Callable[[], dict[str, str]]) -> None:
    with pytest.raises(InvalidWebhook):
        verify(body, headers(), SECRET)


def test_tolerance_is_a_choice() -> None:
    assert verify(BODY, signed(age=600), SECRET, tolerance=700).id == "4711"


def test_webhook_is_verified_by_the_public_key() -> None:
    private = Ed25519PrivateKey.generate()
    headers = signed(OTHER)
    signature = private.sign(f"4711.{headers['Webhook-Timestamp']}.".encode() + BODY)
    headers["Webhook-Signature"] += f" v1a,{base64.b64encode(signature).decode()}"
    public = "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()
    assert verify(BODY, headers, public).id == "4711"
    with pytest.raises(InvalidWebhook):
        verify(BODY + b" ", headers, public)
