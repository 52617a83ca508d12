"""The gateway counts requests by the templates of their routes."""

import asyncio

import httpx
import pytest

from api_gateway import create_app
from metrics.instruments import REGISTRY
from metrics.labels import ROUTE
from tests.support import clean_settings


def count(**labels: str) -> float:
    return REGISTRY.get_sample_value("reelworks_http_requests_total", labels) or 0.0


@pytest.mark.parametrize(
    ("method", "path", "route", "answer"),
    [
        ("GET", "/healthz", "GET /healthz", "2xx"),
        ("HEAD", "/healthz", "GET /healthz", "2xx"),
        ("GET", "/nothing/0b5ad1b2-0000-4000-8000-000000000000", "other", "4xx"),
        ("DELETE", "/healthz", "other", "4xx"),
        ("BREW", "/healthz", "other", "4xx"),
        # Without services, every route of the API fails.
        ("GET", "/v1/generations/0b5ad1b2-0000-4000-8000-000000000000", "GET /v1/generations/{generation_id}", "5xx"),
        ("GET", "/v1/generations/another", "GET /v1/generations/{generation_id}", "5xx"),
    ],
)
def test_a_request_is_counted_by_its_route(method: str, path: str, route: str, answer: str) -> None:
    async def ask() -> None:
        transport = httpx.ASGITransport(create_app(clean_settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            await client.request(method, path)

    before = count(route=route, answer=answer)
    asyncio.run(ask())

    assert count(route=route, answer=answer) == before + 1


def test_every_route_has_a_place() -> None:
    app = create_app(clean_settings())

    operations = {
        f"{method.upper()} {path}"
        for path, item in app.openapi()["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert [operation for operation in operations if ROUTE.shown(operation) != operation] == []
