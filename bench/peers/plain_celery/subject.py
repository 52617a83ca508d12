"""Plain Celery as a subject."""

from collections.abc import Sequence
from typing import Final

from bench.peers.peer import Part, Peer, uvicorn
from bench.peers.setup import Setup

# Threads, since the tasks wait for I/O: as fast here as prefork with 8 children a worker.
_THREADS = 16


def _parts(setup: Setup, processes: int) -> Sequence[Part]:
    options = ("--pool", "threads", "--concurrency", str(_THREADS), "--task-events", "--loglevel", "warning")
    worker = ("-m", "celery", "--app", "bench.peers.plain_celery.tasks", "worker", *options)
    names = [f"worker-{number}" for number in range(1, processes + 1)]
    return [
        uvicorn(setup, "bench.peers.plain_celery.door:app"),
        *(Part(name, (*worker, "--hostname", f"{name}@%h")) for name in names),
    ]


PLAIN_CELERY: Final = Peer("plain Celery", ("poll",), _parts)
