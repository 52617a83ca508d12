"""The files of the local stack. A write replaces the whole file, and only the current user may read it."""

import os
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file under another name and rename it: a killed process leaves the old file or the new file.

    Only the owner of the run folder may write, so two processes never write one file.
    """
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_private(path: Path) -> str | None:
    """The text of a file without surrounding white space. None if the file is absent, empty or unreadable."""
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text().strip() or None
    return None
