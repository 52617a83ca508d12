"""The file by which other commands find a running `reelworks up`. The file holds the settings of that system."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def environment_file(data_folder: Path) -> Path:
    """The file with the `REELWORKS_*` variables of the system that runs from a data folder."""
    return data_folder / "environment"


@contextmanager
def own_environment_file(data_folder: Path) -> Iterator[Path]:
    """The file for the owner of the folder, who writes it. The start and the end of the block remove the file.

    A killed run leaves its file. The next run removes that file.
    """
    path = environment_file(data_folder)
    path.unlink(missing_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
