"""The consoles of all commands, and the end of a refused command."""

import os
import sys
from typing import NoReturn

import typer
from rich.console import Console

# A pipe or a file has no width, so its lines need no folding.
console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200)
errors = Console(stderr=True)


def silence_logs() -> None:
    """Write no log lines: the output of the command tells all that they would."""
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def refuse(message: str) -> NoReturn:
    """End the command with exit code 2, as for a wrong argument."""
    errors.print(message, markup=False, soft_wrap=True)
    raise typer.Exit(2)
