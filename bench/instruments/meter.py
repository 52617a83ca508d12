"""Measures the processor time and memory of processes from Linux's /proc."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from bench.figures.results import PartUse

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_MIB = 1024  # in the KiB of /proc


class _Stat(NamedTuple):
    """Fields of `/proc/{pid}/stat`."""

    parent: int
    ticks: int
    """User and system time, including that of reaped children."""


class Meter:
    """Measures what each part uses inside the `with` block.

    A part is a process with all its descendants. Its processor time includes children that have ended, once a process
    of the tree has reaped them. Its memory is the sum over the tree of the proportional share of every page (PSS), or
    of the resident set if the kernel offers no PSS.
    """

    def __init__(self, parts: Mapping[str, int], *, every: float = 0.25, share: float = 0.01) -> None:
        """Describe the measurement.

        Args:
            parts: the root process of each part.
            every: the shortest time between two readings of memory, in seconds.
            share: the largest share of a core that readings may use; readings become rarer to stay below.
        """
        self._parts = dict(parts)
        self._every = every
        self._share = share
        self._began: dict[str, int] = {}
        self._ticks: dict[str, int] = {}
        self._peaks: defaultdict[str, int] = defaultdict(int)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)

    def __enter__(self) -> Self:
        self._began = self._read_ticks()
        self._ticks = dict(self._began)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        at_the_end = self._read_ticks()
        self._stop.set()
        self._thread.join()
        self._look_at_memory()
        # Applied last: the reading of memory takes time, and the parts run meanwhile.
        self._ticks |= at_the_end

    def use(self) -> list[PartUse]:
        """The use of each part. Call this after the block."""
        return [
            PartUse(
                part=part,
                cpu_seconds=[(self._ticks[part] - self._began[part]) / _TICKS_PER_SECOND if part in self._began else 0],
                peak_mib=self._peaks[part] / _MIB,
            )
            for part in self._parts
        ]

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            cost_from = time.thread_time()
            self._look_at_memory()
            pause = max(self._every, (time.thread_time() - cost_from) / self._share)

    def _look_at_memory(self) -> None:
        processes = _processes()
        for part, root in self._parts.items():
            # An ended process keeps the value of the last reading.
            if root in processes and part in self._began:
                self._ticks[part] = max(self._ticks[part], _ticks(processes, root))
            kib = sum(_memory_kib(pid) for pid in _tree(processes, root))
            self._peaks[part] = max(self._peaks[part], kib)

    def _read_ticks(self) -> dict[str, int]:
        processes = _processes()
        return {part: _ticks(processes, root) for part, root in self._parts.items() if root in processes}


def memory_mib(parts: Mapping[str, int]) -> dict[str, float]:
    """The present memory of each part in MiB, counted as `Meter` does.

    Args:
        parts: the root process of each part.
    """
    processes = _processes()
    return {part: sum(map(_memory_kib, _tree(processes, root))) / _MIB for part, root in parts.items()}


def _processes() -> dict[int, _Stat]:
    """All processes of the machine, in one pass."""
    return dict(_read_processes(path.name for path in _PROC.iterdir() if path.name.isdigit()))


def _read_processes(pids: Iterable[str]) -> Iterator[tuple[int, _Stat]]:
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):  # the process has just ended
            # The second field, the name, may contain spaces: fields are counted from its closing bracket.
            fields = (_PROC / pid / "stat").read_bytes().rpartition(b")")[2].split()
            yield int(pid), _Stat(parent=int(fields[1]), ticks=sum(map(int, fields[11:15])))


def _tree(processes: Mapping[int, _Stat], root: int) -> list[int]:
    """A process and all its descendants."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, stat in processes.items():
        children[stat.parent].append(pid)
    found = [root] if root in processes else []
    for pid in found:  # the list grows in the loop
        found += children[pid]
    return found


def _ticks(processes: Mapping[int, _Stat], root: int) -> int:
    return sum(processes[pid].ticks for pid in _tree(processes, root))


def _memory_kib(pid: int) -> int:
    try:
        return _field_kib(_PROC / str(pid) / "smaps_rollup", b"Pss:")
    except (FileNotFoundError, PermissionError):
        pass
    except ProcessLookupError:
        return 0
    with suppress(FileNotFoundError, ProcessLookupError):
        return _field_kib(_PROC / str(pid) / "status", b"VmRSS:")
    return 0


def _field_kib(path: Path, name: bytes) -> int:
    """The value of a line such as `Pss:   429 kB`. 0 without such a line, as for a zombie process."""
    lines = (line for line in path.read_bytes().splitlines() if line.startswith(name))
    return next((int(line.split()[1]) for line in lines), 0)
