import json

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from pydantic import SecretStr

from providers.adapters.gemini.adapter import Gemini
from providers.adapters.gemini.webhooks import read_event, read_keys, verify
from providers.http.transport import Transport
from providers.webhooks.key_sets import AGAIN_SECONDS
from providers.webhooks.standard_webhooks import sign
from schemas.errors import CallbackRefused
from schemas.setting_groups import ProviderSettings
from tests.contract.wire import WEBHOOK_SECRET
from tests.contract.wires.gemini import google_key, google_keys, google_signed
from tests.sandbox.harness import eventually

NOW = 1_700_000_000.0
EVENT = {"type": "interaction.completed", "version": "v1", "timestamp": "2026-11-20T09:00:00Z", "data": {"id": "v1_1"}}
BODY = json.dumps(EVENT).encode()
CLAIMS = {"exp": NOW + 300, "aud": "whatever", **EVENT}


def account(*, known_keys: bytes | None, webhook_key: str = "", calls: list[httpx.Request] | None = None) -> Gemini:
    """An account whose fetches of Google's keys succeed."""

    def answer(request: httpx.Request) -> httpx.Response:
        if calls is not None:
            calls.append(request)
        return httpx.Response(200, content=google_keys())

    settings = ProviderSettings(api_key=SecretStr("AIza_key"), webhook_key=SecretStr(webhook_key))
    transport = Transport(http=httpx.MockTransport(answer))
    return Gemini("gemini", settings, transport, clock=lambda: NOW, known_keys=known_keys)


def refused(headers: dict[str, str], body: bytes = BODY) -> str:
    """The reason for refusing a webhook."""
    with pytest.raises(CallbackRefused) as caught:
        verify(read_keys(google_keys()), headers, body, now=NOW)
    return str(caught.value)


def test_a_webhook_with_a_valid_token_is_read() -> None:
    headers = google_signed(CLAIMS, now=NOW)
    verify(read_keys(google_keys()), headers, BODY, now=NOW)
    # A token that names no interaction proves only that Google sent an event.
    verify(read_keys(google_keys()), google_signed({"exp": NOW}, now=NOW), BODY, now=NOW)
    # No signature covers the timestamp header, so the header is optional.
    verify(read_keys(google_keys()), {"webhook-signature": headers["webhook-signature"]}, BODY, now=NOW)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({**CLAIMS, "exp": NOW - 1}, "has run out"),
        ({"data": {"id": "v1_1"}}, "signature is wrong"),
        ({**CLAIMS, "exp": "soon"}, "signature is wrong"),
        ({**CLAIMS, "data": {"id": "v1_2"}}, "about something else"),
    ],
)
def test_a_token_about_another_interaction_is_refused(claims: dict[str, object], reason: str) -> None:
    assert reason in refused(google_signed(claims, now=NOW))


@pytest.mark.parametrize("offset", [-301, 301])
def test_an_old_webhook_is_refused(offset: int) -> None:
    assert "more than 300 s off" in refused(google_signed(CLAIMS, now=NOW + offset))


def test_a_token_that_google_did_not_sign_is_refused() -> None:
    another = generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(google_keys())["keys"][0]["n"]
    for token in (
        jwt.encode(CLAIMS, another, algorithm="RS256", headers={"kid": "key-1"}),
        jwt.encode(CLAIMS, google_key(), algorithm="RS512", headers={"kid": "key-1"}),
        jwt.encode(CLAIMS, public, algorithm="HS256", headers={"kid": "key-1"}),
        jwt.encode(CLAIMS, "", algorithm="none", headers={"kid": "key-1"}),
        "",
        "a.b.c",
        "é",
    ):
        assert "signature is wrong" in refused({"webhook-signature": token})
    unknown = jwt.encode(CLAIMS, google_key(), algorithm="RS256", headers={"kid": "key-2"})
    assert "names a key that is not Google's" in refused({"webhook-signature": unknown})


@pytest.mark.parametrize("jwks", [b"", b"[]", b"{}", b'{"keys":{}}', b'{"keys":[]}', b"\xff"])
def test_a_malformed_key_set_has_no_keys(jwks: bytes) -> None:
    assert read_keys(jwks) == ()


def test_a_key_of_another_type_is_ignored() -> None:
    keys = json.loads(google_keys())["keys"]
    others = [
        7,
        {},
        {"kty": "OKP", "crv": "Ed25519", "x": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg", "kid": "key-1"},
        {"kty": "RSA", "n": "ä", "e": "AQAB", "kid": "key-1"},
        {"kty": "RSA", "n": 7, "e": "AQAB", "kid": "key-1"},
        {"kty": "RSA", "n": "", "e": "", "kid": "key-1"},
    ]
    assert [key.key_id for key in read_keys(json.dumps({"keys": [*others, *keys]}).encode())] == ["key-1"]


def test_the_first_callback_fetches_the_keys_without_our_key() -> None:
    calls: list[httpx.Request] = []
    gemini = account(known_keys=None, calls=calls)
    assert gemini.read_callback({}, BODY).remote_id == "v1_1"

    def is_refused() -> bool:
        try:
            gemini.read_callback({}, BODY)
        except CallbackRefused:
            return True
        return False

    eventually(is_refused)
    (call,) = calls
    assert str(call.url) == "https://generativelanguage.googleapis.com/.well-known/jwks.json"
    assert "x-goog-api-key" not in call.headers
    assert gemini.read_callback(google_signed(CLAIMS, now=NOW), BODY).remote_id == "v1_1"


def test_an_unknown_key_causes_a_new_fetch() -> None:
    calls: list[httpx.Request] = []
    now = [NOW]
    entry = json.loads(google_keys())["keys"][0]
    old = json.dumps({"keys": [{**entry, "kid": "key-0"}]}).encode()

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200, content=google_keys())

    transport = Transport(http=httpx.MockTransport(answer))
    settings = ProviderSettings(api_key=SecretStr("AIza_key"))
    gemini = Gemini("gemini", settings, transport, clock=lambda: now[0], known_keys=old)
    now[0] += AGAIN_SECONDS
    headers = google_signed({**CLAIMS, "exp": NOW + 600}, now=now[0])
    with pytest.raises(CallbackRefused, match="names a key"):
        gemini.read_callback(headers, BODY)

    def is_taken() -> bool:
        try:
            return gemini.read_callback(headers, BODY).remote_id == "v1_1"
        except CallbackRefused:
            return False

    eventually(is_taken)
    assert len(calls) == 1


def test_a_webhook_of_the_project_requires_the_accounts_secret() -> None:
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW)),
        "webhook-signature": sign(WEBHOOK_SECRET, "msg_1", int(NOW), BODY),
    }
    keys = google_keys()
    assert account(known_keys=keys, webhook_key=WEBHOOK_SECRET).read_callback(headers, BODY).remote_id == "v1_1"
    # An account with a secret still accepts webhooks with Google's token.
    signed = google_signed(CLAIMS, now=NOW)
    assert account(known_keys=keys, webhook_key=WEBHOOK_SECRET).read_callback(signed, BODY).remote_id == "v1_1"
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        account(known_keys=keys, webhook_key=WEBHOOK_SECRET).read_callback(headers, BODY + b" ")
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        account(known_keys=keys).read_callback(headers, BODY)


@pytest.mark.parametrize("id_", ["../../models?x=1", "v1_1/cancel", "v1\x00", "", "v" * 501])
def test_an_event_with_a_malformed_id_is_refused(id_: str) -> None:
    with pytest.raises(CallbackRefused, match="not a webhook of Google's"):
        read_event(json.dumps({**EVENT, "data": {"id": id_}}).encode())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"type":"interaction.completed","data":{}}', b'{"data":{"id":""}}']
)
def test_a_body_that_is_not_an_event_is_refused(body: bytes) -> None:
    with pytest.raises(CallbackRefused, match="not a webhook of Google's"):
        account(known_keys=google_keys()).read_callback(google_signed({"exp": NOW}, now=NOW), body)
