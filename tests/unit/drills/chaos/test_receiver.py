import base64
import json
import secrets
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks.webhooks import Webhook

from drills.chaos.listeners.receiver import Inbox, Way, receiving
from schemas.event_types import EventType

BODY = json.dumps(
    {"sequence": 5, "type": EventType.COMPLETED, "data": {"generation_id": "00000000-0000-0000-0000-000000000001"}}
)


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def inbox(key: Ed25519PrivateKey) -> Iterator[Inbox]:
    with receiving(7, hang_seconds=0.1) as inbox:
        inbox.secrets["/one"] = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        inbox.public_key = "whpk_" + base64.b64encode(key.public_key().public_bytes_raw()).decode()
        yield inbox


def send(inbox: Inbox, key: Ed25519PrivateKey, message_id: str, *, body: str = BODY) -> int:
    """Send a message with signatures over `BODY`. Returns the status; 0 without an answer."""
    now = datetime.now(UTC)
    signed = f"{message_id}.{int(now.timestamp())}.{BODY}".encode()
    signatures = [
        Webhook(inbox.secrets["/one"]).sign(message_id, now, BODY),
        "v1a," + base64.b64encode(key.sign(signed)).decode(),
    ]
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    try:
        return httpx.post(
            f"http://127.0.0.1:{inbox.port}/one", content=body, headers=headers, trust_env=False
        ).status_code
    except httpx.TransportError:
        return 0


def test_a_third_of_the_messages_fails_and_each_is_taken_in_the_end(inbox: Inbox, key: Ed25519PrivateKey) -> None:
    statuses = [send(inbox, key, f"message {number}") for number in range(200)]
    assert 40 < sum(status != 204 for status in statuses) < 95
    assert set(inbox.ways) == set(Way)
    assert inbox.strange == []
    assert len(inbox.taken) == statuses.count(204)
    assert {(receipt.event_id, receipt.type) for receipt in inbox.taken} == {(5, EventType.COMPLETED)}


def test_a_message_whose_signature_is_wrong_is_strange(inbox: Inbox, key: Ed25519PrivateKey) -> None:
    send(inbox, key, "a message", body=BODY.replace("5", "6"))
    send(inbox, Ed25519PrivateKey.generate(), "another message")
    assert [problem.partition(": ")[2].partition(":")[0] for problem in inbox.strange] == ["the signature is wrong"] * 2
    assert inbox.taken == []


def test_message_whose_sender_dies_after_the_head_tells_nothing(inbox: Inbox) -> None:
    with socket.create_connection(("127.0.0.1", inbox.port)) as dies:
        dies.sendall(b"POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nwebhook-id: a message\r\n\r\n{")
        dies.shutdown(socket.SHUT_WR)
        assert dies.recv(100) == b""
    assert (inbox.strange, inbox.taken) == ([], [])
