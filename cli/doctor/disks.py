"""Checks the room on disks of this machine."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cli.doctor.findings import Finding, error, ok, warning
from schemas.settings import Settings

_GIB = 1024**3

LOW_BYTES = 5 * _GIB
"""Less free room is a warning."""
FULL_BYTES = _GIB
"""Less free room is an error."""


def checks(settings: Settings) -> Iterator[Finding]:
    """The disks of the data folder and of temporary files."""
    yield room("the data folder", _existing(settings.data_folder))
    yield room("temporary files", Path(tempfile.gettempdir()))


def room(subject: str, folder: Path, *, low_bytes: int = LOW_BYTES, full_bytes: int = FULL_BYTES) -> Finding:
    """Whether a folder's disk has room."""
    usage = shutil.disk_usage(folder)
    check, says = f"disk of {subject}", f"{usage.free / _GIB:.1f} of {usage.total / _GIB:.1f} GiB are free at {folder}"
    # A small disk, such as a tmpfs of a container, is low at a tenth of its size.
    if usage.free < min(full_bytes, usage.total / 50):
        return error(check, says, "make room now: a full disk stops writes")
    if usage.free < min(low_bytes, usage.total / 10):
        return warning(check, says, "make room, or move it to a larger disk")
    return ok(check, says)


def _existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    absolute = folder.absolute()
    return next(one for one in (absolute, *absolute.parents) if one.exists())
