"""Injects the faults of a schedule on time, and records what happened."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, field

import psutil
from redis import Redis

from drills.chaos.checks.witness import Witness, watch
from drills.chaos.plans.schedule import GATEWAY, SUPERVISOR, Fault, FaultKind, LinkName
from drills.chaos.system import System
from workers.roles import Role

# How long a fault waits for its target: a worker that is restarting, or a worker that holds a generation.
_WAIT_FOR_TARGET_SECONDS = 60.0
_WAIT_FOR_WORK_SECONDS = 3.0
# A step may take only a few milliseconds.
_WORK_EVERY_SECONDS = 0.003
_BACK_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.02

# The most faults at a time. Watching the recovery from a kill takes a place, too.
_THREADS = 48


@dataclass
class Record:
    """The record of a fault. Times are seconds from the beginning of the load."""

    fault: Fault
    """The planned fault."""
    began: float
    """The beginning."""
    ended: float = 0.0
    """The end."""
    happened: bool = False
    """Whether the fault was injected."""
    recoveries: list[float] = field(default_factory=list)
    """After a kill of a worker: the idle time of each generation that it held."""
    back_after: float | None = None
    """After a kill of the gateway: seconds until it answered again."""


class Injector:
    """Injects the faults of a schedule."""

    def __init__(self, system: System, faults: Sequence[Fault]) -> None:
        self.records: list[Record] = []
        self._system = system
        self._faults = faults
        self._began = 0.0
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="fault")
        self._futures: list[Future[None]] = []
        self._stop = threading.Event()
        self._scheduler = threading.Thread(target=self._run, name="faults", daemon=True)

    def start(self, began: float) -> None:
        """Start. `began` is the `time.monotonic()` of the load's beginning."""
        self._began = began
        self._scheduler.start()

    def is_running(self) -> bool:
        """Whether faults are planned or active, or recoveries are not yet seen."""
        return self._scheduler.is_alive() or not all(future.done() for future in list(self._futures))

    def finish(self) -> None:
        """Wait for the end of every fault and every recovery.

        Raises:
            Exception: an error in the injector itself.
        """
        self._scheduler.join()
        self._pool.shutdown()
        for future in self._futures:
            future.result()

    def abandon(self) -> None:
        """Begin no further fault."""
        self._stop.set()

    def _run(self) -> None:
        for fault in self._faults:
            if self._stop.wait(max(0.0, self._began + fault.at - time.monotonic())):
                return
            self._futures.append(self._pool.submit(self._inject, fault))

    def _inject(self, fault: Fault) -> None:
        record = Record(fault, began=self._now())
        self.records.append(record)
        match fault.kind:
            case FaultKind.KILL | FaultKind.KILL_GROUP:
                self._kill(record)
            case FaultKind.PAUSE:
                self._pause(record)
            case FaultKind.REDIS_FLUSH:
                self._flush(record)
            case FaultKind.REDIS_RESTART | FaultKind.POSTGRES_CRASH | FaultKind.S3_OUTAGE:
                self._restart(record)
            case _:
                self._break_link(record)

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _happened(self, record: Record) -> None:
        record.ended = self._now()
        record.happened = True

    def _kill(self, record: Record) -> None:
        with closing(Witness(self._system.direct)) as witness:
            process = self._target(record.fault, witness)
            if process is None:
                return
            dying = self._dying_with(record.fault, process)
            killed_at = time.monotonic()
            try:
                if record.fault.kind is FaultKind.KILL_GROUP:
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            except (psutil.NoSuchProcess, ProcessLookupError):
                return
            self._happened(record)
            if record.fault.target == GATEWAY and _soon(self._system.process(GATEWAY).answers, seconds=_BACK_SECONDS):
                record.back_after = time.monotonic() - killed_at
            record.recoveries = watch(witness, dying, killed_at=killed_at)

    def _dying_with(self, fault: Fault, process: psutil.Process) -> list[int]:
        """The workers that this kill ends at once. Workers of a killed supervisor finish their work first."""
        if fault.kind is FaultKind.KILL_GROUP:
            return [worker.pid for worker in self._system.workers(fault.target.removeprefix(SUPERVISOR))]
        return [process.pid] if fault.target in set(Role) else []

    def _pause(self, record: Record) -> None:
        with closing(Witness(self._system.direct)) as witness:
            process = self._target(record.fault, witness)
        if process is None:
            return
        try:
            process.suspend()
        except psutil.NoSuchProcess:
            return
        record.began = self._now()
        time.sleep(record.fault.seconds)
        with suppress(psutil.NoSuchProcess):
            process.resume()
        self._happened(record)

    def _target(self, fault: Fault, witness: Witness) -> psutil.Process | None:
        """The process to hit: of a role, one that holds a generation, if there is one soon."""
        if fault.target not in set(Role):
            child = self._system.process(fault.target)
            return psutil.Process(child.pid) if _soon(child.alive) else None
        if not _soon(lambda: bool(self._running(fault.target))):
            return None
        workers = {worker.pid: worker for worker in self._running(fault.target)}
        give_up_at = time.monotonic() + (_WAIT_FOR_WORK_SECONDS if fault.while_busy else 0.0)
        while time.monotonic() < give_up_at:
            if held := witness.held_by(list(workers)):
                return workers[held[0].holder]
            time.sleep(_WORK_EVERY_SECONDS)
        return next(iter(workers.values()), None)

    def _running(self, role: str) -> list[psutil.Process]:
        return [worker for worker in self._system.workers(role) if _runs(worker)]

    def _flush(self, record: Record) -> None:
        with self._system.lock_of["redis"], Redis.from_url(self._system.direct.redis_url) as redis:
            redis.flushall()
        self._happened(record)

    def _restart(self, record: Record) -> None:
        fault = record.fault
        service = self._system.services.part(fault.target)
        with self._system.lock_of[fault.target]:
            if fault.kind is FaultKind.POSTGRES_CRASH and service.pid is not None:
                os.kill(service.pid, signal.SIGQUIT)
                _soon(lambda: not service.alive())
            else:
                service.kill()
            time.sleep(fault.seconds)
            service.start()
            service.wait_until_ready()
        self._happened(record)

    def _break_link(self, record: Record) -> None:
        link = self._system.links[LinkName(record.fault.target)]
        lost_before = link.commits_lost
        with self._trouble(record.fault):
            time.sleep(record.fault.seconds)
        if record.fault.kind is not FaultKind.LOST_COMMIT or link.commits_lost > lost_before:
            self._happened(record)

    def _trouble(self, fault: Fault) -> AbstractContextManager[None]:
        link = self._system.links[LinkName(fault.target)]
        match fault.kind:
            case FaultKind.REFUSE:
                return link.refused()
            case FaultKind.BLACK_HOLE:
                return link.hung(forgets=True)
            case FaultKind.STALL:
                return link.hung(forgets=False)
            case FaultKind.SLOW:
                return link.slowed(fault.latency_seconds)
            case FaultKind.LOST_COMMIT:
                return link.losing_commits(fault.commits)
            case _:
                return nullcontext()


def _runs(process: psutil.Process) -> bool:
    """Whether the process is alive and not stopped by an earlier fault."""
    try:
        return process.status() not in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}
    except psutil.NoSuchProcess:
        return False


def _soon(is_so: Callable[[], bool], *, seconds: float = _WAIT_FOR_TARGET_SECONDS) -> bool:
    give_up_at = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(_LOOK_EVERY_SECONDS)
    return True
