"""A stranger's path costs the gateway one short line, and leaves no half of a key in the line."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.types import Message
from structlog.testing import capture_logs

from gateway.request_context import RequestContext


def logged(path: str) -> str:
    """The path in the line of a request."""

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_: Message) -> None:
        pass

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
        "headers": [], "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 80),
    }  # fmt: skip
    with capture_logs() as lines:
        asyncio.run(RequestContext(Starlette())(scope, receive, send))
    return str(next(line["path"] for line in lines if line["event"] == "request"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/generations", "/v1/generations"),
        ("/" + "%3Fa" * 15_000, "/…"),
        ("/v1" * 150 + "/rw_" + "aB3x" * 20, "/v1" * 150 + "/…"),
        ("/v1" * 20_000, "/v1" * 166 + "/…"),
    ],
)
def test_line_has_the_first_parts_of_a_long_path(path: str, expected: str) -> None:
    assert logged(path) == expected
