"""The document is written before a server takes requests: one request after a start would delay all others."""

import socket

import pytest
import uvicorn
from fastapi.testclient import TestClient

from api_gateway import create_ready_app
from gateway import server
from tests.support import clean_settings


def _describes(**_: object) -> None:
    raise AssertionError("a request writes the document")


def test_no_request_writes_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not started: neither answer needs a service.
    client = TestClient(create_ready_app(clean_settings()))
    monkeypatch.setattr("fastapi.applications.get_openapi", _describes)

    assert client.get("/openapi.json").json()["info"]["title"] == "Reelworks"
    # The header Allow comes from the document.
    assert client.delete("/v1/models").headers["allow"] == "GET, HEAD"


def test_the_server_takes_the_application_with_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []

    class Server:
        started = True

        def __init__(self, config: uvicorn.Config) -> None:
            served.append(config.app)

        def run(self, sockets: list[socket.socket]) -> None:
            for each in sockets:
                each.close()

    monkeypatch.setattr(server, "_Server", Server)
    server.run_gateway(clean_settings().model_copy(update={"gateway_port": 0}))

    assert served == [f"api_gateway:{create_ready_app.__name__}"]
