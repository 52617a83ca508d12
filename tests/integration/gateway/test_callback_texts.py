"""The id of a task in a callback is a text of a stranger."""

import base64
import hashlib
import hmac
import json
import time

import httpx
import pytest

from schemas.settings import Settings
from storage.database import Database
from tests.hostile import hostile_texts
from tests.integration.gateway.test_callbacks import Waiting, receipts, waiting

__all__ = ["waiting"]


def signed(settings: Settings, task: str) -> dict[str, str]:
    """The headers with which Kie signs a callback of a task."""
    timestamp = str(int(time.time()))
    key = settings.providers.named("kie").webhook_key.get_secret_value().encode()
    digest = hmac.new(key, f"{task}.{timestamp}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": base64.b64encode(digest).decode()}


@pytest.mark.parametrize("path", ["/webhooks/kie", "callback"])
def test_callback_with_any_text_as_its_task_is_answered(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting, path: str
) -> None:
    url = f"{waiting.path}?t={waiting.token}" if path == "callback" else path
    for text in hostile_texts():
        body = json.dumps({"code": 200, "data": {"taskId": text, "state": "success"}}).encode()
        answer = gateway.post(url, content=body, headers=signed(settings, text))
        assert answer.status_code in {200, 401, 413}, ascii(text)[:50]
    assert all(receipt.remote_id and receipt.remote_id.isprintable() for receipt in receipts(database))


def test_id_of_a_task_with_a_control_character_is_refused(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting
) -> None:
    body = json.dumps({"code": 200, "data": {"taskId": "kie\x00", "state": "success"}}).encode()

    answer = gateway.post(f"{waiting.path}?t={waiting.token}", content=body, headers=signed(settings, "kie\x00"))

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert receipts(database) == []
