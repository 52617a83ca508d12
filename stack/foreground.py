"""Runs the application processes in the terminal with prefixed output, by honcho's manager."""

import multiprocessing
import shlex
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from typing import Any, Final

import honcho.manager
import honcho.printer
import honcho.process

from stack.child import how_it_ended
from stack.errors import PartFailed
from stack.guard import die_with_parent, guarded
from stack.output import Output
from stack.processes import Process
from stack.rehearsal import Rehearsal
from stack.services import Tell

READY_SECONDS: Final = 120.0

_TICK_SECONDS = 0.2
_REMIND_SECONDS = 5.0
_NAMED = 3


class Foreground(honcho.manager.Manager):
    """Runs processes until a process or a service dies, or SIGINT or SIGTERM arrives. Then ends all processes.

    In a rehearsal, a process that dies starts again.

    `failure` holds the cause afterwards. None means that a signal ended the run, and `returncode` is the shell's number
    for that signal. `has_started` says whether every process was ready.
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
        rehearsal: Rehearsal | None = None,
    ) -> None:
        """Describe the run. `loop` runs the processes.

        Args:
            processes: the processes. All start at once, and all are essential.
            environment: variables for all processes. Variables of a process win.
            output: the printer of all lines.
            check_services: raises PartFailed when a service died.
            tell: receives the name of each process that is ready.
            on_ready: runs once, in another thread, when every process answers.
            rehearsal: hears of processes that started again. None: the death of a process ends the run.
        """
        self._output = output
        width = output.width
        super().__init__(output)
        output.width = width
        self._rehearsal = rehearsal
        self._restarts = multiprocessing.Event()
        self._process_ctor = (
            _GuardedProcess
            if rehearsal is None
            else partial(_RestartedProcess, restarts=self._restarts, pause_seconds=rehearsal.pause_seconds)
        )
        self.failure: Exception | None = None
        self.has_started = False
        self._check_services = check_services
        self._tell = tell
        self._on_ready = on_ready
        self._described = {process.name: process for process in processes}
        self._pids: dict[str, int] = {}
        self._not_ready = list(processes)
        # One bound for all processes: honcho kills all or none.
        self._grace_seconds = max(process.stop_seconds for process in processes)
        self._began = self._reminded = time.monotonic()
        self._stop_asked: float | None = None
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher")
        for process in processes:
            # honcho takes one string: the quoted line keeps the words apart.
            self.add_process(process.name, shlex.join(process.argv), env={**environment, **process.env})

    def loop(self) -> None:
        """Run the processes. Return when all have ended."""
        try:
            super().loop()
        finally:
            self._done.set()
            if self._watcher.is_alive():
                self._watcher.join()

    def terminate(self) -> None:
        """Ask the watcher to end all processes.

        A signal handler, the watcher, and honcho (after the end of a process) call this.
        """
        if self._stop_asked is None:
            self._stop_asked = time.monotonic()
            self._remember_who_died()

    def kill(self) -> None:
        """Do nothing: honcho would kill after 5 s. The watcher kills after the longest `stop_seconds`."""

    def _start(self) -> None:
        super()._start()
        self._watcher.start()  # after the forks: a process must not fork beside threads

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
                self._tell_of_restarts()
            except Exception as error:  # noqa: BLE001 -- the main thread ends the run and reports every error
                self.failure = error
                self.terminate()

    def _end(self, *, asked_for: float) -> None:
        if not self._all_started():  # honcho does not know every pid before
            return
        self._restarts.clear()
        super().terminate()  # acts once
        if asked_for > self._grace_seconds:
            super().kill()

    def _greet_when_ready(self) -> None:
        if self.has_started or not self._all_started():
            return
        for process in [process for process in self._not_ready if process.answers()]:
            self._not_ready.remove(process)
            self._tell(process.name)
            self._reminded = time.monotonic()
        if not self._not_ready:
            self.has_started = True
            self._pids = self._known_pids()
            with self._output.alone:  # no line of a process may come between the lines of `on_ready`
                self._on_ready()
                if self._rehearsal is not None:
                    self._rehearsal.begin(self._pids)
                    self._restarts.set()
        elif time.monotonic() - self._began > READY_SECONDS:
            late = self._not_ready[0].name
            raise PartFailed(late, f"was not ready after {READY_SECONDS:g} s", self._output.last_lines(late))
        elif time.monotonic() - self._reminded > _REMIND_SECONDS:
            self._reminded = time.monotonic()
            names = [process.name for process in self._not_ready]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            self._output.say(f"waiting for {', '.join(names[:_NAMED])}{more}")

    def _known_pids(self) -> dict[str, int]:
        return {name: pid for name, state in self._processes.items() if isinstance(pid := state.get("pid"), int)}

    def _tell_of_restarts(self) -> None:
        """Tell the rehearsal of each process that has another pid and answers."""
        if self._rehearsal is None or not self.has_started:
            return
        for name, pid in self._known_pids().items():
            if pid != self._pids[name] and self._described[name].answers():
                self._pids[name] = pid
                self._rehearsal.is_back(name, pid)


class _GuardedProcess(honcho.process.Process):
    """A command and honcho's helper process above it. Neither may outlive its parent."""

    def run(self, events: "Queue[honcho.printer.Message] | None" = None, ignore_signals: bool = False) -> None:
        # A Ctrl-C reaches this helper too. Only the manager may act. The guard restores the signals for the command.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        die_with_parent(signal.SIGKILL)
        manager = multiprocessing.parent_process()
        if manager is None or not manager.is_alive():
            return
        self.cmd = "exec " + shlex.join(guarded(shlex.split(self.cmd)))
        self._run_command(events, ignore_signals)

    def _run_command(self, events: "Queue[honcho.printer.Message] | None", ignore_signals: bool) -> None:
        super().run(events, ignore_signals)


class _RestartedProcess(_GuardedProcess):
    """A command that starts again after a pause when it ends, while the event `restarts` is set."""

    def __init__(self, *arguments: Any, restarts: Event, pause_seconds: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._restarts = restarts
        self._pause_seconds = pause_seconds

    def _run_command(self, events: "Queue[honcho.printer.Message] | None", ignore_signals: bool) -> None:
        super()._run_command(events, ignore_signals)
        while self._waits_to_restart():
            super()._run_command(events, ignore_signals)
        super()._send_message({"returncode": self._child.returncode}, type="stop")

    def _send_message(self, data: object, type: str = "line") -> None:  # noqa: A002 -- honcho's name
        if type != "stop":  # honcho would end all processes
            super()._send_message(data, type)

    def _waits_to_restart(self) -> bool:
        """Wait until the next start. Returns False if the run ends."""
        if not self._restarts.is_set():
            return False
        how, due = how_it_ended(self._child.returncode), time.monotonic() + self._pause_seconds
        self._send_message(f"died ({how}). It starts again in {self._pause_seconds:g} s")
        while self._restarts.is_set() and time.monotonic() < due:
            time.sleep(_TICK_SECONDS)
        return self._restarts.is_set()
