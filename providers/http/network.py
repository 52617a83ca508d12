"""Connections with a time limit for the whole call and with an address policy.

httpx restarts its read timeout with every packet, so a slow server could block a worker for ever. Here no wait on the
socket lasts longer than the remaining time of the call.
"""

import logging
import ssl
from collections.abc import Callable, Iterable
from functools import lru_cache

import httpcore
import httpx

from providers.http.addresses import AddressPolicy

# Kie's edge answers some default agents of HTTP libraries with a 403, "error code: 1010".
USER_AGENT = "Mozilla/5.0 (compatible; Reelworks)"

# Both libraries would log URLs and headers, and some of these are secrets. The callers of this module log their calls.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

TimeLeft = Callable[[], float]


class LimitedTransport(httpx.HTTPTransport):
    """httpx's transport, limited by `time_left` (seconds) and by the address policy, if given.

    It ignores proxy settings of the environment: a proxy resolves the host again, and could reach another address.
    """

    def __init__(self, *, time_left: TimeLeft, limits: httpx.Limits, policy: AddressPolicy | None = None) -> None:
        super().__init__(verify=tls(), trust_env=False, limits=limits)
        # httpx takes no network backend, so this replaces its pool with an equal one that uses ours.
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Backend(time_left, policy),
        )


@lru_cache
def tls() -> ssl.SSLContext:
    """The TLS settings of our calls: certificates are verified."""
    return httpx.create_ssl_context()


class _Backend(httpcore.NetworkBackend):
    def __init__(self, time_left: TimeLeft, policy: AddressPolicy | None) -> None:
        self._tcp = httpcore.SyncBackend()
        self._time_left = time_left
        self._policy = policy

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in self._addresses(host, port):
            within = _shorter(timeout, self._time_left, httpcore.ConnectTimeout)
            try:
                stream = self._tcp.connect_tcp(address, port, within, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._time_left)
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        # Connect to the checked address: a second look-up could return another one. The Host header and TLS still use
        # the name, because only this step knows the address.
        if self._policy is None:
            return [host]
        try:
            return self._policy.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, time_left: TimeLeft) -> None:
        self._stream = stream
        self._time_left = time_left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _shorter(timeout, self._time_left, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _shorter(timeout, self._time_left, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = _shorter(timeout, self._time_left, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, within), self._time_left)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _shorter(timeout: float | None, time_left: TimeLeft, error: type[Exception]) -> float:
    left = time_left()
    if left <= 0:
        raise error("the call took all its time")
    return left if timeout is None else min(timeout, left)
