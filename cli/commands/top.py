"""Shows the running system live, or once as text."""

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from cli.configuration import service_settings
from cli.console import console, refuse, silence_logs
from cli.options import a_prose
from schemas.enums import Stage
from schemas.watching import View

if TYPE_CHECKING:
    from cli.top.questions import Question
    from cli.top.reader import Source

app = typer.Typer()


@app.command()
def top(
    every: Annotated[float, typer.Option(min=0.5, max=600, help="seconds between two readings")] = 2,
    once: Annotated[bool, typer.Option("--once", help="print one screen as text, for a ticket or a script")] = False,
    show: Annotated[View | None, typer.Option(help="begin with this list of generations")] = None,
    stage: Annotated[Stage | None, typer.Option(help="begin with the unfinished ones in this stage")] = None,
    search: Annotated[
        str | None,
        typer.Option(
            parser=a_prose,
            metavar="<str>",
            help="begin with the generations that this text means: an id, a vendor's id, a customer, an error code, "
            "a reference",
        ),
    ] = None,
) -> None:
    """Show stages, providers, queues, workers and failures live, and lists of generations. `?` shows the keys."""
    if stage is not None and show not in {None, View.UNFINISHED}:
        refuse("--stage chooses among the unfinished generations: leave out --show")
    if not once and not _is_terminal():
        refuse("this is not a terminal: `reelworks top --once` prints one screen as text")
    if not once and find_spec("textual") is None:
        refuse("textual is not installed: pip install 'reelworks[top]'. `reelworks top --once` needs none")
    from cli.top.questions import Question
    from cli.top.reader import Source

    question = Question(show or View.UNFINISHED, stage, search) if show or stage or search else None
    settings = service_settings()
    silence_logs()
    source = Source(settings)
    if once:
        _print(source, question or Question())
        return
    from cli.top.app import show as show_live

    show_live(source, every_seconds=every, question=question)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _print(source: "Source", question: "Question") -> None:
    """Print one screen. Exit with 1 if the database does not answer."""
    from cli.reports.top import show_once
    from storage.watching.rows import Found

    source.listen()
    reading = source.read(question, with_figures=True)
    source.close()
    found = reading.answer if isinstance(reading.answer, Found) else None
    show_once(reading.situation, question.title, found, console)
    if reading.situation.figures is None:
        raise typer.Exit(1)
