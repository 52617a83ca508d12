"""The guard against traffic to other machines: it stops a client that calls its real vendor."""

import socket
from collections.abc import Callable

import openai
import pytest
import runwayml
from replicate.client import Client

from tests.sdks.fal_host import fal_client
from tests.sdks.loopback import WATCH, LeftThisMachine


def ask_openai() -> None:
    with openai.OpenAI(api_key="sk-test", max_retries=0) as client:
        client.models.list()


def ask_runway() -> None:
    with runwayml.RunwayML(api_key="key_test", max_retries=0) as client:
        client.organization.retrieve()


def ask_replicate() -> None:
    Client(api_token="r8_test").predictions.get("p")


def ask_fal() -> None:
    fal_client.SyncClient(key="test").upload(b"", "text/plain")


@pytest.mark.parametrize(
    ("ask", "host"),
    [
        (ask_openai, "api.openai.com"),
        (ask_runway, "api.dev.runwayml.com"),
        (ask_replicate, "api.replicate.com"),
        (ask_fal, "rest.fal.ai"),
    ],
)
def test_client_without_the_sandboxs_address_reaches_no_vendor(
    ask: Callable[[], None], host: str, certificate: object
) -> None:
    with WATCH.on() as strays:
        with pytest.raises((LeftThisMachine, openai.APIConnectionError, runwayml.APIConnectionError)):
            ask()
        assert set(strays) == {host}


def test_numeric_address_is_not_reached_either() -> None:
    with WATCH.on() as strays, socket.socket() as connection, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        with pytest.raises(LeftThisMachine):
            connection.connect(("192.0.2.1", 443))
        with pytest.raises(LeftThisMachine):
            datagrams.sendto(b"ping", ("192.0.2.1", 53))
        assert strays == ["192.0.2.1", "192.0.2.1"]
