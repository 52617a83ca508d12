"""honcho's manager, fitted to our needs: the application processes in the terminal, with prefixed output."""

import multiprocessing
import shlex
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.queues import Queue
from typing import Final

import honcho.manager
import honcho.printer
import honcho.process

from stack.child import how_it_ended
from stack.errors import PartFailed
from stack.guard import die_with_parent, guarded
from stack.output import Output
from stack.processes import Process
from stack.services import Tell

READY_SECONDS: Final = 120.0

_TICK_SECONDS = 0.2
_REMIND_SECONDS = 5.0
_NAMED = 3


class Foreground(honcho.manager.Manager):
    """Runs processes until one dies, a service dies, or SIGINT or SIGTERM comes; then ends them all.

    `failure` afterwards says what went wrong; None means that a signal ended it, and `returncode` is the shell's
    number for that signal. `has_started` says whether every process was ready.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        environment: Mapping[str, str],
        output: Output,
        *,
        check_services: Callable[[], None],
        tell: Tell,
        on_ready: Callable[[], None],
    ) -> None:
        """Describes the run; `loop` runs it.

        Args:
            processes: all start at once and all are essential.
            environment: their variables; a process's own win.
            output: where their lines go.
            check_services: raises PartFailed when a service died.
            tell: called with the name of each process that is ready.
            on_ready: called once, from another thread, when every process answers.
        """
        self._output = output
        width = output.width
        super().__init__(output)
        output.width = width
        self._process_ctor = _GuardedProcess
        self.failure: Exception | None = None
        self.has_started = False
        self._check_services = check_services
        self._tell = tell
        self._on_ready = on_ready
        self._not_ready = list(processes)
        # One for all: honcho kills all or none.
        self._grace_seconds = max(process.stop_seconds for process in processes)
        self._began = self._reminded = time.monotonic()
        self._stop_asked: float | None = None
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher")
        for process in processes:
            # The list of words survives honcho, which wants one string, as a quoted line.
            self.add_process(process.name, shlex.join(process.argv), env={**environment, **process.env})

    def loop(self) -> None:
        """Runs the processes; returns when all have ended."""
        try:
            super().loop()
        finally:
            self._done.set()
            if self._watcher.is_alive():
                self._watcher.join()

    def terminate(self) -> None:
        """Asks all to end. Called by a signal, by honcho when a process ended, and by the watcher, which does it."""
        if self._stop_asked is None:
            self._stop_asked = time.monotonic()
            self._remember_who_died()

    def kill(self) -> None:
        """Nothing: honcho would kill after 5 s; the watcher does it after our own grace."""

    def _start(self) -> None:
        super()._start()
        self._watcher.start()  # only now: a process should not be forked beside threads

    def _remember_who_died(self) -> None:
        if self.failure is not None:
            return
        for name, state in self._processes.items():
            code = state.get("returncode")
            if isinstance(code, int):
                self.failure = PartFailed(name, f"died ({how_it_ended(code)})", self._output.last_lines(name))
                return

    def _watch(self) -> None:
        while not self._done.wait(_TICK_SECONDS):
            if self._stop_asked is not None:
                self._end(asked_for=time.monotonic() - self._stop_asked)
                continue
            try:
                self._check_services()
                self._greet_when_ready()
            except Exception as error:  # noqa: BLE001 -- whatever it is, the main thread ends the run and reports it
                self.failure = error
                self.terminate()

    def _end(self, *, asked_for: float) -> None:
        if not self._all_started():  # honcho does not know every pid yet
            return
        super().terminate()  # acts once
        if asked_for > self._grace_seconds:
            super().kill()

    def _greet_when_ready(self) -> None:
        if self.has_started:
            return
        for process in [process for process in self._not_ready if process.answers()]:
            self._not_ready.remove(process)
            self._tell(process.name)
            self._reminded = time.monotonic()
        if not self._not_ready:
            self.has_started = True
            with self._output.alone:  # what it prints must not be torn apart by a process's lines
                self._on_ready()
        elif time.monotonic() - self._began > READY_SECONDS:
            late = self._not_ready[0].name
            raise PartFailed(late, f"was not ready after {READY_SECONDS:g} s", self._output.last_lines(late))
        elif time.monotonic() - self._reminded > _REMIND_SECONDS:
            self._reminded = time.monotonic()
            names = [process.name for process in self._not_ready]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            self._output.say(f"waiting for {', '.join(names[:_NAMED])}{more}")


class _GuardedProcess(honcho.process.Process):
    """honcho keeps a Python process between itself and each command; neither may outlive the one above it."""

    def run(self, events: "Queue[honcho.printer.Message] | None" = None, ignore_signals: bool = False) -> None:
        # A Ctrl-C goes to this helper too, and only the manager may act on it. The guard undoes this for the command.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        die_with_parent(signal.SIGKILL)
        manager = multiprocessing.parent_process()
        if manager is None or not manager.is_alive():
            return
        self.cmd = "exec " + shlex.join(guarded(shlex.split(self.cmd)))
        super().run(events, ignore_signals)
