import pytest

from providers.webhooks.standard_webhooks import WINDOW_SECONDS, sign, verify
from schemas.errors import CallbackRefused

# A vector that another implementation of the scheme made.
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
BODY = b'{"ok":true}'
SIGNATURE = "v1,7FsET15FuQriJ5QlYck6mwTdVnYx7DsL3XiJYsNy1FY="
HEADERS = {"webhook-id": "msg_1", "webhook-timestamp": "1700000000", "webhook-signature": SIGNATURE}
NOW = 1_700_000_000.0


def refusal(headers: dict[str, str], *, secret: str = SECRET, body: bytes = BODY, now: float = NOW) -> str:
    with pytest.raises(CallbackRefused) as caught:
        verify(secret, headers, body, now=now)
    return str(caught.value)


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_")])
def test_the_reference_vector(secret: str) -> None:
    assert sign(secret, "msg_1", 1_700_000_000, BODY) == SIGNATURE
    verify(secret, HEADERS, BODY, now=NOW)


@pytest.mark.parametrize("signatures", [f"v1,AAAA {SIGNATURE}", f"{SIGNATURE} v1,AAAA", f"v1a,AAAA {SIGNATURE}"])
def test_one_right_signature_of_several_is_enough_while_a_secret_is_rotated(signatures: str) -> None:
    verify(SECRET, {**HEADERS, "webhook-signature": signatures}, BODY, now=NOW)


@pytest.mark.parametrize(
    "signature",
    ["", "v1,", "v1", SIGNATURE.removeprefix("v1,"), SIGNATURE.replace("v1", "v2"), SIGNATURE[:-1], "v1,é"],
)
def test_a_wrong_signature_is_refused(signature: str) -> None:
    assert refusal({**HEADERS, "webhook-signature": signature}) == "the callback's signature is wrong"


def test_the_signature_covers_the_id_the_time_and_the_body() -> None:
    wrong = "the callback's signature is wrong"
    assert refusal({**HEADERS, "webhook-id": "msg_2"}) == wrong
    assert refusal({**HEADERS, "webhook-timestamp": "1700000001"}) == wrong
    assert refusal(HEADERS, body=b'{"ok":false}') == wrong
    assert refusal(HEADERS, secret="whsec_YW5vdGhlciBzZWNyZXQ=") == wrong


@pytest.mark.parametrize("off", [-WINDOW_SECONDS, WINDOW_SECONDS])
def test_a_timestamp_can_be_five_minutes_off(off: int) -> None:
    verify(SECRET, HEADERS, BODY, now=NOW + off)
    further = off + (1 if off > 0 else -1)
    assert refusal(HEADERS, now=NOW + further) == "the callback's timestamp is more than 300 s off"


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1700000000.5", "01700000000", "١٧٠٠٠٠٠٠٠٠", "1" * 5000])
def test_a_callback_requires_a_timestamp_in_seconds(timestamp: str) -> None:
    assert refusal({**HEADERS, "webhook-timestamp": timestamp}) == "the callback has no webhook-timestamp in seconds"


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("webhook-id", "the callback has no webhook-id"),
        ("webhook-timestamp", "the callback has no webhook-timestamp in seconds"),
        ("webhook-signature", "the callback's signature is wrong"),
    ],
)
def test_each_header_is_required(missing: str, reason: str) -> None:
    assert refusal({name: value for name, value in HEADERS.items() if name != missing}) == reason


@pytest.mark.parametrize("secret", ["", "whsec_", "not base64!", "whsec_abc", "é"])
def test_an_invalid_secret_refuses_every_callback(secret: str) -> None:
    assert "is not a Standard Webhooks secret" in refusal(HEADERS, secret=secret)


def test_a_body_that_is_not_utf_8_is_refused() -> None:
    assert refusal(HEADERS, body=b"\xff") == "the callback's body is not UTF-8"


def test_a_malformed_signature_before_the_right_one_is_ignored() -> None:
    verify(SECRET, {**HEADERS, "webhook-signature": f"v1 , é {SIGNATURE}"}, BODY, now=NOW)
