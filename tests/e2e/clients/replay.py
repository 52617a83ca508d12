"""Sends recorded requests of other software to the gateway, byte by byte."""

import socket
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pydantic_core

_FOLDER = Path(__file__).parent / "recorded"
_RECORDED_HOST = b"127.0.0.1:45123"
_PATIENCE_SECONDS = 300


class Answer(NamedTuple):
    """The gateway's answer."""

    status: int
    """The HTTP status."""
    body: Any
    """The JSON document."""


def names() -> list[str]:
    """The names of all recorded requests."""
    return sorted(path.stem for path in _FOLDER.glob("*.http"))


def replay(name: str, gateway_url: str, api_key: str) -> Answer:
    """Send a recorded request with this key to this gateway."""
    address = urlsplit(gateway_url)
    head, _, body = (_FOLDER / f"{name}.http").read_bytes().partition(b"\r\n\r\n")
    head = head.replace(_RECORDED_HOST, address.netloc.encode()).replace(b"Bearer KEY", f"Bearer {api_key}".encode())
    with socket.create_connection((address.hostname, address.port), timeout=_PATIENCE_SECONDS) as connection:
        connection.sendall(head + b"\r\n\r\n" + body)
        answer = HTTPResponse(connection)
        answer.begin()
        content = pydantic_core.from_json(answer.read())
    return Answer(answer.status, content)
