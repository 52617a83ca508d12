"""Measures the system while an attack runs: the worst answer of `/healthz`, and the memory of each process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import psutil

from drills.hostile.target import Target

_HEALTH_EVERY_SECONDS = 0.02
_MEMORY_EVERY_SECONDS = 0.1
_MEBIBYTE = 1024**2


@dataclass
class Seen:
    """The measurements of one attack."""

    worst_health_ms: float = 0.0
    """The slowest answer of `/healthz`."""
    unhealthy: int = 0
    """The calls of `/healthz` without an answer of 200."""
    peak_mib: dict[str, float] = field(default_factory=dict)
    """The largest resident memory of a process of each part."""


@contextmanager
def watching(target: Target) -> Iterator[Seen]:
    """Measure while the block runs."""
    seen, over = Seen(), threading.Event()
    threads = [threading.Thread(target=work, args=(target, seen, over)) for work in (_ask_health, _read_memory)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _ask_health(target: Target, seen: Seen, over: threading.Event) -> None:
    with httpx.Client(base_url=target.http.base_url, timeout=30, trust_env=False) as client:
        while not over.wait(_HEALTH_EVERY_SECONDS):
            began = time.perf_counter()
            try:
                is_well = client.get("/healthz").is_success
            except httpx.TransportError:
                is_well = False
            seen.unhealthy += not is_well
            seen.worst_health_ms = max(seen.worst_health_ms, (time.perf_counter() - began) * 1000)


def _read_memory(target: Target, seen: Seen, over: threading.Event) -> None:
    ours = {name: part for name, part in target.stack.parts.items() if name == "gateway" or name.startswith("worker-")}
    while not over.wait(_MEMORY_EVERY_SECONDS):
        for name, part in ours.items():
            seen.peak_mib[name] = max(seen.peak_mib.get(name, 0.0), _largest_mib(part.pid))


def _largest_mib(pid: int | None) -> float:
    """The resident memory of the largest process of a part."""
    try:
        process = psutil.Process(pid)
        return max(each.memory_info().rss for each in (process, *process.children(recursive=True))) / _MEBIBYTE
    except psutil.NoSuchProcess:
        return 0.0
