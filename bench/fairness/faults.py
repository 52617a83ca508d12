"""Breaks the running system again and again: empties Redis, and kills a worker."""

import random
import threading
from itertools import cycle
from types import TracebackType
from typing import Self

import psutil
from redis import Redis

from stack.stack import Stack
from workers.roles import ROLES

_EVERY_SECONDS = 10.0


class Faults:
    """Each ten seconds inside the `with` block, FLUSHALL and `kill -9` of a worker. Supervisors start it again."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.flushes = 0
        """How often Redis was emptied."""
        self.kills: list[str] = []
        """The part of each killed worker."""
        self._stack = stack
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        # Each role in turn: a supervisor starts the same worker ever later.
        parts = [f"worker-{role}" for role, its in ROLES.items() if its.is_celery]
        self._chance.shuffle(parts)
        for part in cycle(parts):
            if self._stop.wait(_EVERY_SECONDS):
                return
            with Redis.from_url(self._stack.settings.redis_url) as redis:
                redis.flushall()
            self.flushes += 1
            workers = self._workers(part)
            for worker in self._chance.sample(workers, k=min(1, len(workers))):
                worker.kill()
                self.kills.append(part)

    def _workers(self, part: str) -> list[psutil.Process]:
        """The workers under a supervisor."""
        try:
            children = psutil.Process(self._stack.part(part).pid).children()
            return [child for child in children if "workers" in child.cmdline()]
        except psutil.NoSuchProcess:
            return []
