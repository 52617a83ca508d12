"""Measures the system from a separate process, so that the attack's work in Python delays no measurement."""

import multiprocessing
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection

import httpx

from drills.hostile.honest import complete_order

_HEALTH_EVERY_SECONDS = 0.02

Health = tuple[float, int]
"""The slowest answer of `/healthz` in milliseconds, and the number of calls without an answer of 200."""


class Witness:
    """Asks `/healthz` and orders, in a process that `witnessing` starts. Not safe to share between threads."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def watch(self) -> None:
        """Begin to ask `/healthz`."""
        self._pipe.send("watch")

    def order(self) -> float:
        """The seconds from an honest order to its completion. Infinite: the order did not complete."""
        self._pipe.send("order")
        seconds: float = self._pipe.recv()
        return seconds

    def seen(self) -> Health:
        """Stop to ask `/healthz`, and return what was seen."""
        self._pipe.send("seen")
        health: Health = self._pipe.recv()
        return health


@contextmanager
def witnessing(url: str, headers: Mapping[str, str]) -> Iterator[Witness]:
    """Start the process for a gateway. It ends with the block.

    Args:
        headers: authenticate the honest customer.
    """
    # Not a fork: this process has threads.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, url, dict(headers)), daemon=True)
    process.start()
    try:
        yield Witness(ours)
    finally:
        ours.close()
        process.join(10)
        process.kill()


def _serve(pipe: Connection, url: str, headers: Mapping[str, str]) -> None:
    watch: _Watch | None = None
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        while True:
            try:
                asked = pipe.recv()
            except (EOFError, OSError):
                return
            if asked == "watch":
                watch = _Watch(url)
            elif asked == "order":
                pipe.send(complete_order(client, headers))
            elif watch is not None:
                pipe.send(watch.end())


class _Watch:
    """Asks `/healthz` in a thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self._worst_ms = 0.0
        self._unhealthy = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> Health:
        """Stop, and return what was seen."""
        self._over.set()
        self._thread.join()
        return self._worst_ms, self._unhealthy

    def _run(self) -> None:
        # A prober opens a connection for each call. The server must accept it beside the connections of the attack.
        new_each_time = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False, limits=new_each_time) as client:
            while not self._over.wait(_HEALTH_EVERY_SECONDS):
                began = time.perf_counter()
                try:
                    is_well = client.get("/healthz").is_success
                except httpx.TransportError:
                    is_well = False
                self._unhealthy += not is_well
                self._worst_ms = max(self._worst_ms, (time.perf_counter() - began) * 1000)
