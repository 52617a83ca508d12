"""`POST /webhooks/{provider}`: for vendors that send all callbacks of an account to one URL."""

import json

import httpx
import pytest
import redis
from pydantic import SecretStr

from api_gateway import create_app
from schemas.enums import Queue
from schemas.setting_groups import ProviderSettings
from schemas.settings import Settings
from storage.database import Database
from tests.integration.gateway.serving import serving
from tests.integration.gateway.test_body_limit import answer_to_head
from tests.integration.gateway.test_callbacks import BODY, Waiting, receipts, signed, waiting
from tests.support import eventually

__all__ = ["waiting"]


def test_a_webhook_wakes_the_generation_with_the_providers_id(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting, broker: redis.Redis
) -> None:
    answer = gateway.post("/webhooks/kie", content=BODY, headers=signed(settings))

    assert answer.status_code == 200
    [receipt] = receipts(database)
    assert (receipt.generation_id, receipt.body) == (waiting.id, BODY)
    eventually(lambda: broker.llen(Queue.DOWNLOAD.value), lambda length: length == 1)


@pytest.mark.usefixtures("waiting")
def test_a_webhook_of_unknown_work_is_answered_with_success(
    gateway: httpx.Client, database: Database, settings: Settings
) -> None:
    body = json.dumps({"code": 200, "data": {"taskId": "another", "state": "success"}}).encode()

    answer = gateway.post("/webhooks/kie", content=body, headers=signed(settings, "another"))

    assert answer.status_code == 200
    assert receipts(database) == []


@pytest.mark.usefixtures("waiting")
def test_a_webhook_with_a_wrong_signature_is_refused(
    gateway: httpx.Client, database: Database, settings: Settings
) -> None:
    for headers in ({}, signed(settings, "another")):
        answer = gateway.post("/webhooks/kie", content=BODY, headers=headers)
        assert answer.status_code == 401
    assert receipts(database) == []


def test_a_webhook_is_refused_without_a_key_to_verify_it(settings: Settings) -> None:
    unsigned = settings.providers.with_accounts(kling=ProviderSettings(api_key=SecretStr("key")))
    with serving(create_app(settings.model_copy(update={"providers": unsigned}))) as gateway:
        answer = gateway.post("/webhooks/kling", content=b'{"id": "1", "status": "succeeded"}')

    assert answer.status_code == 401
    assert answer.json()["detail"] == (
        "only webhooks whose signature can be checked are taken here: see REELWORKS_PROVIDERS__KLING__WEBHOOK_KEY"
    )


def test_an_account_without_a_webhook_key_reads_no_webhook(settings: Settings) -> None:
    unsigned = settings.providers.with_accounts(kie=ProviderSettings(api_key=SecretStr("key")))
    with serving(create_app(settings.model_copy(update={"providers": unsigned}))) as gateway:
        status, answer = answer_to_head(gateway, "POST /webhooks/kie", {}, length=1000)
        assert (status, "100 Continue" in answer) == (401, False)
        status, answer = answer_to_head(gateway, "POST /webhooks/nobody", {}, length=1000)
        assert (status, "100 Continue" in answer) == (404, False)


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("filler", [b" " * 300_000, b"[" * 40 + b"]" * 40, b"[" + b"[]," * 9_000 + b"[]]"])
def test_a_webhook_of_kie_beyond_a_limit_is_refused_before_the_parser_runs(
    gateway: httpx.Client, database: Database, settings: Settings, filler: bytes
) -> None:
    body = BODY.rstrip(b"}") + b'}, "more": ' + (filler if filler.strip() else filler + b"1") + b"}"
    answer = gateway.post("/webhooks/kie", content=body, headers=signed(settings))
    assert answer.status_code == 401
    assert receipts(database) == []


def test_a_webhook_of_an_unconfigured_provider_is_answered_with_404(gateway: httpx.Client) -> None:
    assert gateway.post("/webhooks/nobody", content=BODY).status_code == 404
