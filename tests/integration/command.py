"""The `reelworks` command, run in this process."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
import structlog

from cli.console import console
from cli.main import main
from schemas.settings import get_settings


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


Reelworks = Callable[..., Ended]


def run(
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ended:
    """Run the command with these variables, too."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # pytest-xdist gives its workers a narrow COLUMNS, in which tables are folded.
    monkeypatch.setattr(console, "width", 200)
    monkeypatch.setattr(sys, "argv", ["reelworks", *arguments])
    get_settings.cache_clear()
    with pytest.raises(SystemExit) as end:
        main()
    get_settings.cache_clear()
    # Some commands switch the log lines of their process off.
    structlog.reset_defaults()
    said = capsys.readouterr()
    return Ended(int(end.value.code or 0), said.out, said.err)
