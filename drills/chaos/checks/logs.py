"""Reads the logs of a run: unplanned deaths of processes, errors, and steps that crashed."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from signal import SIGKILL

from pydantic import BaseModel, ValidationError

from drills.chaos.checks.book import Breach

_EXITED = "worker_exited"
# Our own code raised an error. The drill's faults cause none.
_CRASHED = "stage_crashed"
_ERRORS = ("error", "critical")
_NAME = re.compile(r"[a-z_]+")


class _Line(BaseModel):
    event: str
    level: str
    worker: str = ""
    exit_code: int = 0
    generation_id: str = ""
    stage: str = ""
    exception: str = ""


def unplanned_worker_deaths(files: Iterable[Path]) -> Counter[str]:
    """Worker processes that their supervisor found dead without a kill of ours, by name and exit code."""
    exits = (line for line in _lines(files) if line.event == _EXITED and line.exit_code != -SIGKILL)
    return Counter(f"{line.worker} (exit code {line.exit_code})" for line in exits)


def errors(files: Iterable[Path]) -> Counter[str]:
    """Events of the levels error and critical, by name. Lines of libraries have no name of ours and count together."""
    events = (line.event for line in _lines(files) if line.level in _ERRORS and line.event != _EXITED)
    return Counter(event if _NAME.fullmatch(event) else "(a library)" for event in events)


def crashes(files: Iterable[Path]) -> list[Breach]:
    """The steps that crashed: the first generation of each error."""
    found: dict[str, Breach] = {}
    for line in _lines(files):
        if line.event == _CRASHED:
            error = line.exception.strip().rpartition("\n")[2]
            found.setdefault(
                f"{line.stage}: {error}", Breach(line.generation_id, f"a step of {line.stage} crashed: {error}")
            )
    return list(found.values())


def _lines(files: Iterable[Path]) -> Iterator[_Line]:
    for path in files:
        with path.open(errors="replace") as file:
            for text in file:
                if text.startswith("{"):
                    try:
                        yield _Line.model_validate_json(text)
                    except ValidationError:
                        continue
