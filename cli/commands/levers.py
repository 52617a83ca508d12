"""`reelworks generations retry | fail | cancel | refund | redeliver | replay`: acts on a selection of generations."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer

from cli.authors import author_of
from cli.configuration import stores
from cli.console import console, errors, refuse
from cli.options import AsJson, a_prose
from cli.selections import FIELDS, selection
from schemas.lever_token import Seen
from schemas.levers import Lever, Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.database import Database
    from storage.levers.acting import Acted, Means, Run
    from storage.levers.counting import Counted
    from storage.levers.walking import Watch

app = typer.Typer()

_INTERRUPTED = 130

Ids = Annotated[list[UUID] | None, typer.Argument(metavar="[ID]...", help="the ids of generations", show_default=False)]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD=VALUE",
        help="a condition, such as status=failed or accepted_after=2h; several values with commas: one must hold; "
        f"repeated: all must hold. Fields: {', '.join(FIELDS)}",
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="every generation, in place of conditions")]
Why = Annotated[str, typer.Option("--reason", parser=a_prose, metavar="<str>", help="why, for the history")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="count, and change nothing")]
Yes = Annotated[
    int | None,
    typer.Option("--yes", min=0, metavar="N", help="do not ask: go on if there are at most N, as a dry run counted"),
]


def _command(lever: Lever) -> "Callable[..., None]":
    def pull(
        ids: Ids = None,
        where: Where = None,
        is_all: Everything = False,
        *,
        reason: Why,
        dry_run: DryRun = False,
        yes: Yes = None,
        as_json: AsJson = False,
    ) -> None:
        _pull(lever, selection(ids, where, is_all=is_all), reason, is_dry=dry_run, yes=yes, as_json=as_json)

    return pull


_SAYS = {
    Lever.RETRY: "Look at unfinished generations now, and order failed ones again.",
    Lever.FAIL: "Let unfinished generations fail. Their customers pay nothing.",
    Lever.CANCEL: "Cancel generations, as their customers may.",
    Lever.REFUND: "Give the credits of generations back.",
    Lever.REDELIVER: "Send the webhooks about generations once more that were given up.",
    Lever.REPLAY: "Read the providers of generations now, because their stored callbacks say so.",
}

for _lever, _says in _SAYS.items():
    app.command(
        _lever.value,
        help=f"{_says}\n\nActs on {_lever.rule}.\n\nFirst shows the count and the credits at stake, and asks for the "
        "number. May be stopped at any time: the same command goes on with the rest.",
    )(_command(_lever))


def _pull(lever: Lever, wanted: Selection, reason: str, *, is_dry: bool, yes: int | None, as_json: bool) -> None:
    from cli.reports.levers import show_count, show_run
    from storage.levers import bounding, changes, counting
    from storage.levers.acting import Run
    from storage.levers.bounding import Grown

    with _means() as (database, means):
        with database.statement() as sql, _progress(lever) as watch:
            counted = counting.count(sql, lever, wanted, watch=watch)
        if is_dry or not as_json:
            show_count(lever, counted, console, as_json=as_json)
        if is_dry or not (counted.count or as_json):
            return
        seen = Seen(uuid4(), _confirmed(lever, counted.count, yes), counted.counted_at)
        # The prompt may stand for minutes.
        with database.statement() as sql, _progress(lever) as watch:
            try:
                counted = bounding.recount(sql, lever, wanted, seen, watch=watch)
            except Grown as error:
                refuse(f"the number {error}: nothing was done")
        change = changes.of_run(seen.change_id, lever, wanted, author_of(reason), counted)
        done, refused = _act(database, means, Run(lever, wanted, seen, change), counted)
    show_run(change.id, done, refused, console, as_json=as_json)
    if refused:
        raise typer.Exit(1)


@contextmanager
def _means() -> Iterator[tuple["Database", "Means"]]:
    from cli.configuration import service_settings
    from intake.levers import means_of
    from intake.orders import Intake
    from providers.catalogue import Catalogue
    from providers.registry import Providers, accounts_of

    with stores() as (database, objects):
        settings = service_settings()
        providers = Providers(accounts_of(settings))
        catalogue = Catalogue.load(providers.offer(), settings.prices, providers.servers())
        # A generation that is due is woken within a second, and a stream looks each second.
        intake = Intake(settings, database, objects, catalogue, lambda *_: None, lambda *_: None)
        yield database, means_of(intake)


@contextmanager
def _progress(lever: Lever) -> Iterator["Watch"]:
    """Show on a terminal how many generations a count has read."""
    from storage.levers.walking import unwatched

    if not errors.is_terminal:
        yield unwatched
        return
    with errors.status(f"{lever}: counting") as status:
        yield lambda read: status.update(f"{lever}: counting, {read:,} generations read")


def _confirmed(lever: Lever, count: int, yes: int | None) -> int:
    """The number of generations that the operator allows."""
    if yes is not None or not count:
        return yes or 0
    if not sys.stdin.isatty():
        refuse(f"--yes {count} is missing: without a terminal, no one can type the number. Nothing was done")
    if typer.prompt(f"{lever} {count} generations? Type the number", default="", show_default=False) != str(count):
        refuse(f"that is not {count}: nothing was done")
    return count


def _act(database: "Database", means: "Means", run: "Run", counted: "Counted") -> tuple[Counter[str], Counter[str]]:
    """Act, with a progress bar on a terminal. Returns the effects, and the reasons of refusals."""
    from rich.progress import track

    from storage.levers import running

    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    acted = running.act_on_all(database, means, run)
    shown: Iterator[Acted] = iter(
        track(acted, str(run.lever), total=counted.count, console=errors, disable=not errors.is_terminal)
    )
    try:
        for one in shown:
            if one.word is not None:
                done[one.word.value] += 1
            elif one.refusal is not None:
                refused[one.refusal.detail] += 1
    except KeyboardInterrupt:
        told = sum(done.values()) + sum(refused.values())
        errors.print(f"stopped after {told} of {counted.count}: the same command goes on. Change {run.change.id}")
        raise typer.Exit(_INTERRUPTED) from None
    return done, refused
