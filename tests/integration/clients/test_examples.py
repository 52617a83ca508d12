import base64
import json
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from tests.contract.raw_server import RawServer, http
from tests.integration.clients.examples import running
from tests.integration.clients.mail_server import mail_server

pytestmark = pytest.mark.slow

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = json.dumps(
    {
        "id": "4711",
        "type": "generation.completed",
        "version": 1,
        "created_at": "2026-11-29T12:00:00Z",
        "sequence": 4711,
        "data": {
            "generation_id": "3e41a28d", "status": "completed", "stage": "completed", "progress": 100,
            "kind": "image", "model": "nano-banana", "reference": "node-7",
            "metadata": {"email": "ada@reelworks.example"},
        },
    }
)  # fmt: skip


def deliver(url: str, secret: str = SECRET) -> int:
    """Send the webhook as Reelworks does; the status of the answer. 0: none."""
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "4711",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("4711", now, BODY),
    }
    try:
        return httpx.post(url, content=BODY, headers=headers, trust_env=False).status_code
    except httpx.RemoteProtocolError:
        return 0


@pytest.fixture
def other_secret() -> str:
    """The secret of another endpoint."""
    return "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()


def test_webhook_becomes_an_email(other_secret: str) -> None:
    with (
        mail_server() as mailbox,
        running(
            "webhook_to_email.py",
            WEBHOOK_SECRET=SECRET,
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=mailbox.port,
            MAIL_FROM="studio@reelworks.example",
        ) as url,
    ):
        assert deliver(url, other_secret) == 400
        assert mailbox.emails == []
        assert deliver(url) == 204
    (email,) = mailbox.emails
    assert (email["To"], email["Subject"]) == ("ada@reelworks.example", "Your image is completed")
    assert email["Message-ID"] == "<4711@reelworks.example>"
    assert "nano-banana made 3e41a28d: completed." in email.get_content()


def test_webhook_becomes_a_chat_message(other_secret: str) -> None:
    with (
        RawServer() as chat,
        running("webhook_to_chat.py", WEBHOOK_SECRET=SECRET, CHAT_URL=f"{chat.url}/hooks/1") as url,
    ):
        assert deliver(url, other_secret) == 400
        chat.will(http(500), http(200))
        assert [deliver(url), deliver(url), deliver(url)] == [0, 204, 204]
    assert [json.loads(request.body) for request in chat.requests] == [
        {"text": "image by nano-banana: completed (node-7)"}
    ] * 2
