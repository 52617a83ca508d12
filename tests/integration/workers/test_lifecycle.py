"""The warnings of a worker and a gateway about vendors that cannot call back."""

from collections.abc import MutableMapping, Sequence

import pytest
import structlog

from api_gateway import create_app as create_gateway
from schemas.enums import Queue
from schemas.settings import Settings
from tests.integration.gateway.serving import serving
from workers.app import create_app
from workers.lifecycle import open_services


@pytest.fixture
def real_vendor(settings: Settings) -> Settings:
    """Settings with a vendor on the internet and a gateway on loopback."""
    kie = settings.providers.named("kie").model_copy(update={"base_url": ""})
    return settings.model_copy(update={"providers": settings.providers.with_accounts(kie=kie)})


def warned(lines: Sequence[MutableMapping[str, object]]) -> list[tuple[object, object]]:
    return [(line["providers"], line["url"]) for line in lines if line["event"] == "callbacks_cannot_arrive"]


@pytest.mark.parametrize(
    ("public_url", "is_polled"),
    [("http://127.0.0.1:8080", True), ("http://10.0.0.7:8080", True), ("https://reelworks.example", False)],
)
def test_worker_polls_a_vendor_that_cannot_reach_the_gateway_and_warns(
    real_vendor: Settings, public_url: str, is_polled: bool
) -> None:
    settings = real_vendor.model_copy(update={"public_url": public_url})
    with (
        structlog.testing.capture_logs() as lines,
        create_app(settings, process="worker") as app,
        open_services(app, settings, worker_name="provider", queues=[Queue.SUBMIT]) as services,
    ):
        assert services.providers.calls_back("kie") is not is_polled
    assert warned(lines) == ([(["kie"], settings.public_url)] if is_polled else [])


def test_worker_without_the_submit_queue_does_not_warn(real_vendor: Settings) -> None:
    with (
        structlog.testing.capture_logs() as lines,
        create_app(real_vendor, process="worker") as app,
        open_services(app, real_vendor, worker_name="control", queues=[Queue.CONTROL]),
    ):
        pass
    assert warned(lines) == []


def test_gateway_warns_of_vendors_that_cannot_call_back(real_vendor: Settings) -> None:
    with structlog.testing.capture_logs() as lines, serving(create_gateway(real_vendor)) as client:
        client.get("/healthz")
    assert warned(lines) == [(["kie"], real_vendor.gateway_url)]
