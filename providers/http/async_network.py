"""Connections with the address policy, for an event loop.

The caller limits the time of a call with `asyncio.timeout`.
"""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpcore
import httpx

from providers.http.addresses import AddressPolicy, AddressRefused
from providers.http.network import tls

_THREADS_EACH = 3
"""The threads for names, as a multiple of the connections. A thread begins when it is needed."""


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport, limited by the address policy.

    It follows no redirects, keeps no cookies, and ignores proxy settings of the environment: a proxy resolves the host
    again, and could reach another address.
    """

    def __init__(self, *, limits: httpx.Limits, policy: AddressPolicy) -> None:
        super().__init__(verify=tls(), trust_env=False, limits=limits)
        # A name server that does not answer holds a thread for longer than a try lasts, and delays its own names only.
        threads = _THREADS_EACH * (limits.max_connections or 1)
        self._resolver = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        # httpx takes no network backend, so this replaces its pool with an equal one that uses ours.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Backend(policy, self._resolver),
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await super().aclose()
        self._resolver.shutdown(wait=False, cancel_futures=True)


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self, policy: AddressPolicy, resolver: ThreadPoolExecutor) -> None:
        self._tcp = httpcore.AnyIOBackend()
        self._policy = policy
        self._resolver = resolver

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("the host has no address")
        # Connect to the checked address: a second look-up could return another one. The Host header and TLS still use
        # the name, because only this step knows the address.
        for address in await self._addresses(host, port):
            try:
                return await self._tcp.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._resolver, self._policy.resolve, host, port)
        except (OSError, UnicodeError) as error:
            # The same words as for a private address: a customer must not learn which names our network knows.
            raise AddressRefused(self._policy.not_public) from error
