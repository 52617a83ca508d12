"""The processes of this machine whose metrics Prometheus reads: a file for each, as Prometheus's `file_sd` reads it.

The file of a killed process is removed when another process starts. Until then Prometheus sees that the process is
down, which is true.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import Self

import structlog

from schemas.reach import connectable

log = structlog.get_logger()

ANY_HOST = frozenset({"0.0.0.0", "::"})  # noqa: S104 -- compared, not listened on


@dataclass(frozen=True)
class Target:
    """A process, and where its metrics are."""

    address: str
    """HOST:PORT."""
    process: str
    """The name of the process."""
    role: str
    """The role of the process."""
    machine: str
    """The name of the machine."""
    pid: int
    """The id of the process on the machine."""

    @classmethod
    def of_this_process(cls, host: str, port: int, *, process: str, role: str) -> Self:
        """The target of this process. A process that listens on every address is known by the machine's name."""
        name = gethostname() if host in ANY_HOST else connectable(host)
        return cls(f"{name}:{port}", process, role, gethostname(), os.getpid())

    @classmethod
    def all_in(cls, folder: Path | None) -> list[Self]:
        """The targets of a folder whose processes live."""
        found = [] if folder is None or not folder.is_dir() else map(cls._read, sorted(folder.glob("*.json")))
        return [target for target in found if target is not None and target.lives]

    @classmethod
    def _read(cls, file: Path) -> Self | None:
        machine, _, pid = file.stem.rpartition("-")
        try:
            (document,) = json.loads(file.read_text())
            labels = document["labels"]
            return cls(document["targets"][0], labels["process"], labels["role"], machine, int(pid))
        except (OSError, ValueError, LookupError, TypeError):
            # The process has just ended, or the file is not ours.
            return None

    @property
    def lives(self) -> bool:
        """Whether the process lives, as far as this machine can tell."""
        if self.machine != gethostname():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def document(self) -> dict[str, object]:
        """The target, as Prometheus's `http_sd` and `file_sd` read it."""
        return {"targets": [self.address], "labels": {"process": self.process, "role": self.role}}


@contextmanager
def listed(folder: Path | None, target: Target) -> Iterator[None]:
    """List a target in a folder during the block. Without a folder that can be written, it is not listed."""
    if folder is None:
        yield
        return
    file = folder / f"{target.machine}-{target.pid}.json"
    try:
        _write(folder, file, target)
    except OSError as error:
        log.warning("target_not_listed", folder=str(folder), error=type(error).__name__)
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _write(folder: Path, file: Path, target: Target) -> None:
    folder.mkdir(mode=0o755, exist_ok=True)
    for other in folder.glob(f"{target.machine}-*.json"):
        known = Target._read(other)  # noqa: SLF001 -- the class and this function know the form of the files
        if known is not None and not known.lives:
            other.unlink(missing_ok=True)
    # Prometheus never reads half a file.
    new = file.with_suffix(".new")
    new.write_text(json.dumps([target.document()]))
    new.replace(file)
