"""The clients of the HTTP API."""

import os
from collections.abc import Mapping
from typing import Any, Final, Self

import httpx

from reelworks_client._calls import Link
from reelworks_client._io import AwaitingIO, BlockingIO, Built, Request, blocking, iterating
from reelworks_client._operations import Operations
from reelworks_client.errors import ReelworksError

VERSION: Final = "0.1.0"

TIMEOUT: Final = 30.0
"""Seconds without a byte after which a connection counts as lost."""

RETRY_FOR: Final = 60.0
"""Seconds for which a request is repeated."""

_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=None)
"""A program may wait for many generations at one time, each with a connection. Idle connections end after 5 seconds.

A pool that keeps fewer connections may close one that another thread has just got (encode/httpcore#1110).
"""


class AsyncClient(Operations):
    """A client for programs with an event loop: `async with AsyncClient() as reelworks: …`."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        customer_id: str | None = None,
        timeout: float = TIMEOUT,
        retry_for: float = RETRY_FOR,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """Make a client. `Client` describes the arguments."""
        self._http = http or httpx.AsyncClient(limits=_LIMITS)
        self._owns_http = http is None
        built = _builder(self._http, url, api_key, customer_id, timeout)
        super().__init__(Link(AwaitingIO(self._http, built), timeout, retry_for))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. A client that the program gave stays open."""
        if self._owns_http:
            await self._http.aclose()


class Client:
    """A client whose methods block: `with Client() as reelworks: …`. Threads may share a client."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        customer_id: str | None = None,
        timeout: float = TIMEOUT,
        retry_for: float = RETRY_FOR,
        http: httpx.Client | None = None,
    ) -> None:
        """Make a client.

        Args:
            url: the address of the gateway. Default: `REELWORKS_URL`.
            api_key: the API key. Default: `REELWORKS_API_KEY`.
            customer_id: the customer for whom a key of a service acts.
            timeout: seconds without a byte after which a connection counts as lost.
            retry_for: seconds for which a request is repeated, from its first trouble on. 0: never.
            http: an HTTP client with settings of your own, such as a proxy. The program closes such a client.
        """
        self._http = http or httpx.Client(limits=_LIMITS)
        self._owns_http = http is None
        built = _builder(self._http, url, api_key, customer_id, timeout)
        self.coroutines = Operations(Link(BlockingIO(self._http, built), timeout, retry_for))
        """The methods as coroutines that never suspend."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. A client that the program gave stays open."""
        if self._owns_http:
            self._http.close()

    order = blocking(Operations.order)
    generate = blocking(Operations.generate)
    wait = blocking(Operations.wait)
    generation = blocking(Operations.generation)
    generations = iterating(Operations.generations)
    items = iterating(Operations.items)
    events = iterating(Operations.events)
    all_events = iterating(Operations.all_events)
    cancel = blocking(Operations.cancel)
    retry = blocking(Operations.retry)
    continue_preview = blocking(Operations.continue_preview)
    delete = blocking(Operations.delete)
    estimate = blocking(Operations.estimate)
    queue = blocking(Operations.queue)
    order_batch = blocking(Operations.order_batch)
    batch = blocking(Operations.batch)
    wait_for_batch = blocking(Operations.wait_for_batch)
    cancel_batch = blocking(Operations.cancel_batch)
    upload = blocking(Operations.upload)
    download = blocking(Operations.download)
    content = blocking(Operations.content)
    share = blocking(Operations.share)
    me = blocking(Operations.me)
    models = blocking(Operations.models)
    request = blocking(Operations.request)


def _builder(
    http: httpx.Client | httpx.AsyncClient,
    url: str | None,
    api_key: str | None,
    customer_id: str | None,
    timeout: float,
) -> Built:
    """Adds the address and the headers of a client to its requests."""
    address = _given("url", url, "REELWORKS_URL").rstrip("/")
    headers = {
        "Authorization": f"Bearer {_given('api_key', api_key, 'REELWORKS_API_KEY')}",
        "User-Agent": f"reelworks-client/{VERSION}",
        **({"X-Customer-ID": customer_id} if customer_id else {}),
    }

    def built(request: Request) -> httpx.Request:
        more: Mapping[str, Any] = {"json": request.json} if request.json is not None else {}
        return http.build_request(
            request.method,
            address + request.path,
            params=request.params,
            headers={**headers, **request.headers},
            content=request.content,
            timeout=httpx.Timeout(timeout, read=request.read_timeout or timeout),
            **more,
        )

    return built


def _given(name: str, value: str | None, variable: str) -> str:
    if found := value or os.environ.get(variable):
        return found
    raise ReelworksError(f"give `{name}`, or set {variable}")
