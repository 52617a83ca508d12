"""HTTP clients of a running system, for drills and tests."""

from typing import Final

import httpx

_MOST_CONNECTIONS: Final = 200


def shared_client(base_url: str, *, seconds: float) -> httpx.Client:
    """A client that many threads may share. The environment's proxies do not count.

    It keeps each connection that it opens: a pool that keeps fewer may close one that a thread has just got
    (encode/httpcore#1110).

    Args:
        base_url: the address of the system.
        seconds: the time limit of each wait for the network.
    """
    limits = httpx.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=_MOST_CONNECTIONS)
    return httpx.Client(base_url=base_url, timeout=seconds, trust_env=False, limits=limits)
