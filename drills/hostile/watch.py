"""Measures the system while an attack runs: the worst answer of `/healthz`, and the memory of each process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from drills.hostile.target import Target
from drills.hostile.witness import Witness

_MEMORY_EVERY_SECONDS = 0.1
_MEBIBYTE = 1024**2
_DECODER = "decoder"


@dataclass
class Seen:
    """The measurements of one attack."""

    worst_health_ms: float = 0.0
    """The slowest answer of `/healthz`."""
    unhealthy: int = 0
    """The calls of `/healthz` without an answer of 200."""
    peak_mib: dict[str, float] = field(default_factory=dict)
    """The largest resident memory of a process of each part."""
    ended: list[str] = field(default_factory=list)
    """The parts of which a process ended."""


@contextmanager
def watching(target: Target, witness: Witness | None = None) -> Iterator[Seen]:
    """Measure while the block runs. Without a witness, `/healthz` is not asked."""
    seen, over = Seen(), threading.Event()
    memory = threading.Thread(target=_read_memory, args=(target, seen, over))
    memory.start()
    if witness is not None:
        witness.watch()
    try:
        yield seen
    finally:
        over.set()
        memory.join()
        if witness is not None:
            seen.worst_health_ms, seen.unhealthy = witness.seen()


def _read_memory(target: Target, seen: Seen, over: threading.Event) -> None:
    before = _processes(target)
    is_over = False
    while not is_over:
        is_over = over.wait(_MEMORY_EVERY_SECONDS)
        after = _processes(target)
        for name, processes in after.items():
            seen.peak_mib[name] = max(seen.peak_mib.get(name, 0.0), *map(_mib, processes))
    seen.ended = [
        name for name, processes in before.items() if name != _DECODER and not processes <= after.get(name, processes)
    ]


def _processes(target: Target) -> dict[str, set[psutil.Process]]:
    """The processes of each part. The decoders of all workers are one part."""
    found: dict[str, set[psutil.Process]] = {}
    for name, part in target.stack.parts.items():
        if name != "gateway" and not name.startswith("worker"):
            continue
        for process in _tree(part.pid):
            found.setdefault(_DECODER if _is_decoder(process) else name, set()).add(process)
    return found


def _tree(pid: int | None) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _is_decoder(process: psutil.Process) -> bool:
    """Whether the process is a decoder. Between fork and exec, a decoder has the command line of its parent."""
    try:
        line, parent = process.cmdline(), process.parent()
        return "media.child" in line or (parent is not None and line == parent.cmdline())
    except psutil.NoSuchProcess:
        # Only decoders end in the middle of a run.
        return True


def _mib(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / _MEBIBYTE
    except psutil.NoSuchProcess:
        return 0.0
