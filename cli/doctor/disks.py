"""Checks the room on disks of this machine."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cli.doctor.findings import Finding, error, ok, warning
from schemas.settings import Settings

_GIB = 1024**3

_LOW_BYTES = 5 * _GIB
_FULL_BYTES = _GIB


def checks(settings: Settings) -> Iterator[Finding]:
    """The disks of the data folder and of temporary files."""
    yield room("the data folder", _existing(settings.data_folder))
    yield room("temporary files", Path(tempfile.gettempdir()))


def room(subject: str, folder: Path) -> Finding:
    """Whether a folder's disk has room."""
    usage = shutil.disk_usage(folder)
    return judged(subject, f"at {folder}", total=usage.total, free=usage.free)


def judged(subject: str, place: str, *, total: int, free: int) -> Finding:
    """The finding about a disk of so many bytes."""
    check, says = f"disk of {subject}", f"{free / _GIB:.1f} of {total / _GIB:.1f} GiB are free {place}"
    # A small disk, such as a container's tmpfs, never has that much room.
    if free < min(_FULL_BYTES, total / 50):
        return error(check, says, "make room now: a full disk stops writes")
    if free < min(_LOW_BYTES, total / 10):
        return warning(check, says, "make room, or move it to a larger disk")
    return ok(check, says)


def _existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    absolute = folder.absolute()
    return next(one for one in (absolute, *absolute.parents) if one.exists())
