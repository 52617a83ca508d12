"""Node verifies the webhooks that the system really sends."""

import json
from pathlib import Path

import pytest

from tests.e2e.clients.test_node import run
from tests.e2e.conftest import System
from tests.e2e.test_webhooks import listening
from tests.integration.notify.webhooks.conftest import SECRET
from tests.webhook_receiver import receiving

pytestmark = [pytest.mark.npm, pytest.mark.timeout(1200)]


def test_standardwebhooks_for_node(system: System, tmp_path: Path) -> None:
    customer, word = system.customer(), system.behave()
    with receiving() as receiver:
        listening(system, customer, receiver.url, "generation.completed")
        for _ in range(2):
            system.make(customer, word, metadata={"title": "Überschrift 🚤"})
        sent = [{"headers": dict(each.headers), "body": each.body.decode()} for each in receiver.until(2)]
    kept = tmp_path / "messages.json"
    kept.write_text(json.dumps(sent))
    public_key = system.http.get("/v1/webhooks/public-key").json()["public_key"]
    run("webhooks", MESSAGES=str(kept), SECRET=SECRET, PUBLIC_KEY=public_key)
