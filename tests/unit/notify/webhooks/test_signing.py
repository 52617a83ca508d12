"""The signatures of messages, checked by the libraries that receivers use."""

import base64
import time
from collections.abc import Sequence

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from notify.webhooks import signing
from notify.webhooks.signing import PUBLIC_KEY_PREFIX, SigningKey

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four.").decode()
EARLIER = "whsec_" + base64.b64encode(b"the secret before that..").decode()
BODY = '{"type": "generation.completed", "data": {"reference": "Überschrift 🚤"}}'.encode()
KEY = SigningKey.of_installation("the secret of the installation")


def signed(*secrets: str, keys: Sequence[SigningKey] = (KEY,)) -> dict[str, str]:
    return dict(signing.headers(secrets, keys, "a-message", int(time.time()), BODY))


def ed25519_is_right(headers: dict[str, str], body: bytes, public: str) -> bool:
    """Verify as a receiver does, with the public key alone."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix(PUBLIC_KEY_PREFIX)))
    (given,) = [each for each in headers["webhook-signature"].split() if each.startswith("v1a,")]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    try:
        key.verify(base64.b64decode(given.removeprefix("v1a,")), content)
    except InvalidSignature:
        return False
    return True


def test_standard_webhooks_verifies_the_signature_by_the_secret() -> None:
    assert Webhook(SECRET).verify(BODY, signed(SECRET))["type"] == "generation.completed"


def test_both_secrets_sign_during_a_rotation() -> None:
    headers = signed(SECRET, EARLIER)
    for secret in (SECRET, EARLIER):
        Webhook(secret).verify(BODY, headers)


def test_another_secret_or_body_is_refused() -> None:
    headers = signed(SECRET)
    for secret, body in ((EARLIER, BODY), (SECRET, BODY + b" ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


def test_cryptography_verifies_the_signature_by_the_public_key() -> None:
    headers = signed(SECRET)
    assert ed25519_is_right(headers, BODY, KEY.public)
    assert not ed25519_is_right(headers, BODY + b" ", KEY.public)
    assert not ed25519_is_right(headers | {"webhook-id": "another"}, BODY, KEY.public)
    assert not ed25519_is_right(headers | {"webhook-timestamp": "1"}, BODY, KEY.public)


def test_key_of_an_installation_stays_the_same_and_differs_from_others() -> None:
    assert SigningKey.of_installation("the secret of the installation").public == KEY.public
    assert SigningKey.of_installation("another secret").public != KEY.public


def test_during_a_rotation_of_the_secret_key_a_receiver_may_know_either_public_key() -> None:
    earlier = SigningKey.of_installation("the secret before")
    signatures = signed(SECRET, keys=[KEY, earlier])["webhook-signature"].split()

    assert [each.partition(",")[0] for each in signatures] == ["v1", "v1a", "v1a"]
    for key, given in zip([KEY, earlier], signatures[1:], strict=True):
        assert ed25519_is_right({**signed(SECRET), "webhook-signature": given}, BODY, key.public)
