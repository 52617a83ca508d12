"""How other commands find a running `reelworks up`: a file in its data folder holds its settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def environment_file(data_folder: Path) -> Path:
    """The file with the `REELWORKS_*` variables of the system that runs from this folder."""
    return data_folder / "environment"


@contextmanager
def own_environment_file(data_folder: Path) -> Iterator[Path]:
    """The same file for the owner of the folder, who writes it; absent at the start and at the end of the block.

    A run that was killed leaves its file, and the next run removes that one.
    """
    path = environment_file(data_folder)
    path.unlink(missing_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
