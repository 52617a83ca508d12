"""Secrets are planted wherever one can enter, and no output of the whole system holds one where it may not.

One run of every process: orders that succeed, that are refused, whose vendor quotes what it was sent, and that crash.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from schemas.metrics_settings import MetricsSettings
from schemas.setting_groups import CdnSettings
from stack.stack import Stack
from tests.e2e.conftest import own_places, system_of
from tests.e2e.planted.collecting import collect, listening
from tests.e2e.planted.garden import Garden, Output, Planted, Sort, planted
from tests.e2e.planted.living import live
from tests.e2e.planted.run import Run
from tests.webhook_receiver import receiving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

REFUSING = "replicate"
"""The account whose key the vendor refuses."""


@pytest.fixture(scope="module")
def run(services: Stack, run_folder: Path) -> Iterator[Run]:
    """A system with planted settings that logs everything, and what happened in it."""
    folder = run_folder / "secrets"
    garden = Garden()
    settings = own_places(services, "secrets", 7)
    login, signing, cdn = (planted(name, Sort.OPERATOR) for name in ("Flower's password", "SECRET_KEY", "the CDN's"))
    garden.plant(login, signing, cdn)
    settings = settings.model_copy(
        update={
            "log_format": "json",
            "log_level": "DEBUG",
            "flower_basic_auth": SecretStr(f"ops:{login.text}"),
            "flower_state_file": folder / "flower-state",
            "secret_key": SecretStr(signing.text),
            "cdn": CdnSettings(secret=SecretStr(cdn.text)),
            "metrics": MetricsSettings(port=0, targets_folder=folder / "targets", figures_seconds=1),
        }
    )
    refused = planted("the key that a vendor refuses", Sort.OPERATOR)
    garden.plant(refused)
    extra = {f"REELWORKS_PROVIDERS__{REFUSING.upper()}__API_KEY": refused.text}
    with Stack(folder, settings, extra_env=extra) as stack, receiving() as receiver:
        for system in system_of(stack):
            customer = system.customer(10_000)
            found = Run(system, garden, folder, receiver, customer)
            garden.plant(Planted("the customer's API key", customer.api_key, Sort.KEY), *_of_settings(stack))
            with listening(stack.settings.redis_url) as published:
                live(found)
                collect(found, services)
                garden.wrote(Output.CELERY_EVENTS, "all channels", "\n".join(published))
            yield found


def _of_settings(stack: Stack) -> Iterator[Planted]:
    """The secrets that the stack itself made."""
    settings = stack.settings
    yield Planted("the password of the database", urlsplit(settings.database_url).password or "", Sort.OPERATOR)
    yield Planted("the password of Redis", urlsplit(settings.redis_url).password or "", Sort.OPERATOR)
    yield Planted("the secret key of the object store", settings.s3.secret_key.get_secret_value(), Sort.OPERATOR)
    for name in settings.providers.names():
        account = settings.providers.named(name)
        yield Planted(f"the API key of {name}", account.api_key.get_secret_value(), Sort.OPERATOR)
        if key := account.webhook_key.get_secret_value():
            yield Planted(f"the webhook key of {name}", key, Sort.OPERATOR)


def test_no_output_holds_a_secret_where_it_may_not(run: Run) -> None:
    assert set(run.garden.written) == set(Output)
    assert len(run.garden.planted) > 100
    leaks = run.garden.leaks()
    assert leaks == [], "\n".join(leaks)


def test_what_may_appear_does(run: Run) -> None:
    """A search that finds nothing proves nothing: what the customer wrote is in the customer's documents."""
    own = "".join(run.garden.written[Output.OWN_DOCUMENTS].values())
    assert sum(secret.text in own for secret in run.garden.planted if secret.sort is Sort.CONTENT) > 10
    stream = "".join(run.garden.written[Output.STREAM].values())
    assert any(secret.text in stream for secret in run.garden.planted if secret.sort is Sort.LABEL)


def whole_lines(log: str) -> list[str]:
    """The lines of a log. The process may be in the middle of its last line."""
    return log[: log.rfind("\n") + 1].splitlines()


def test_every_line_of_every_process_is_json_with_what_it_is_about(run: Run) -> None:
    lines = [
        (name, json.loads(line)) for name, text in run.garden.written[Output.LOGS].items() for line in whole_lines(text)
    ]
    assert {"gateway", "beat", "flower", "worker-notify", "worker-requests", "worker-provider"} <= {
        name for name, _ in lines
    } | {"beat", "flower"}
    assert all({"event", "level", "timestamp", "logger"} <= line.keys() for _, line in lines)
    calls = [line for name, line in lines if line["event"] == "vendor_call" and name.startswith("worker-")]
    assert calls
    assert all({"generation_id", "task", "provider"} <= line.keys() for line in calls)
    assert all("request_id" in line for _, line in lines if line["event"] in ("request", "request_served"))
    accepted = [line for _, line in lines if line["event"] == "generation_accepted"]
    assert {line["generation_id"] for line in accepted} >= set(run.orders)
    assert all("request_id" in line for line in accepted)
