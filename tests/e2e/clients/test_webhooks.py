"""Webhooks of the running system, with our client: verified, and turned into an e-mail."""

import pytest

from reelworks_client import Client, InvalidWebhook, verify
from stack.ports import free_port
from tests.e2e.clients.conftest import Buyer
from tests.integration.clients.examples import running
from tests.integration.clients.mail_server import mail_server
from tests.support import eventually
from tests.webhook_receiver import receiving

pytestmark = pytest.mark.slow

ENDPOINTS = "/v1/webhooks/endpoints"


@pytest.fixture
def client(buyer: Buyer) -> Client:
    """A client of the customer."""
    return Client(buyer.system.stack.gateway_url, buyer.customer.api_key)


def test_webhook_of_an_order_is_verified(client: Client, buyer: Buyer) -> None:
    with client, receiving() as receiver:
        image = client.generate(
            buyer.prompt, model="nano-banana", callback_url=receiver.url, metadata={"thread": "7"}, reference="node-7"
        )
        (message,) = receiver.until(1)
        (endpoint,) = client.items(ENDPOINTS, params={"url": receiver.url})
        secret = client.request("GET", f"{ENDPOINTS}/{endpoint['id']}/secret")["secret"]
        public_key = client.request("GET", "/v1/webhooks/public-key")["public_key"]

    headers = dict(message.headers)
    for keys in (secret, public_key, ["whsec_AAAA", secret]):
        notification = verify(message.body, headers, keys)
        assert (notification.type, notification.data["generation_id"]) == ("generation.completed", image.id)
        assert (notification.data["metadata"], notification.data["reference"]) == ({"thread": "7"}, "node-7")
    with pytest.raises(InvalidWebhook):
        verify(message.body, headers, "whsec_AAAA")


def test_order_becomes_an_email(client: Client, buyer: Buyer) -> None:
    port = free_port()
    with client, mail_server() as mailbox:
        made = client.request("POST", ENDPOINTS, json={"url": f"http://127.0.0.1:{port}/"})
        settings = {"WEBHOOK_SECRET": made["secret"], "MAIL_FROM": "studio@reelworks.example"}
        with running("webhook_to_email.py", port, SMTP_HOST="127.0.0.1", SMTP_PORT=mailbox.port, **settings):
            client.generate(buyer.prompt, model="nano-banana", metadata={"email": "ada@reelworks.example"})
            (email,) = eventually(lambda: mailbox.emails[:], bool)
    assert (email["To"], email["Subject"]) == ("ada@reelworks.example", "Your image is completed")
