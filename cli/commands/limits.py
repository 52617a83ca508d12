"""Limits of provider accounts, and pauses: shows them, and changes them live."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from cli.authors import author_of
from cli.configuration import provider_settings, transaction
from cli.console import console, refuse
from cli.options import AsJson, Limit, a_duration, a_name, a_prose, by_default
from schemas.limits import AccountLimits, PauseScope

if TYPE_CHECKING:
    from storage.sql import Sql

app = typer.Typer(cls=by_default("show"), help="Limits of provider accounts. Without a command: show them.")
top = typer.Typer()

_NONE = "none"

Account = Annotated[str, typer.Argument(parser=a_name, metavar="account", help="the account")]
Why = Annotated[str | None, typer.Option("--reason", parser=a_prose, metavar="<str>", help="why, for the history")]
Name = Annotated[
    str,
    typer.Argument(
        parser=a_name, metavar="name", help="the model, the account, `account/vendor's model`, or the customer's id"
    ),
]
Scope = Annotated[PauseScope, typer.Argument(help="the kind of the thing that you name")]


@app.command("show")
def show_limits(
    account: Annotated[str | None, typer.Argument(parser=a_name, metavar="account", help="this account alone")] = None,
    as_json: AsJson = False,
) -> None:
    """Show each account's limits, its work in flight and in the queue, and all pauses."""
    from cli.reports.limits import show_accounts
    from schemas.errors import NotFound
    from storage.admission_control import account_names, pauses
    from storage.admission_state import account_states

    with _statements() as sql:
        states, paused, names = account_states(sql, account), pauses(sql), account_names(sql)
    if account is not None and not states:
        raise NotFound(f"there is no account {account}. Accounts: {', '.join(names) or 'none'}")
    show_accounts(states, paused, console, as_json=as_json)


@app.command("set")
def set_limits(
    account: Account,
    in_flight: Annotated[str | None, typer.Option(help="generations at the vendor at the same time; or `none`")] = None,
    creates: Annotated[
        list[str] | None, typer.Option(help="creates in a time, such as 20/10s; repeat it for more windows; or `none`")
    ] = None,
    reserve: Annotated[
        int | None, typer.Option(min=0, help="places in flight that only high priority with the scope gets")
    ] = None,
    limits: Annotated[
        str | None, typer.Option(metavar="<json>", help="all limits, as in REELWORKS_PROVIDERS__…__LIMITS")
    ] = None,
    reason: Why = None,
) -> None:
    """Change the limits of an account live. A limit that you do not name stays. 0 in flight stops new work.

    The limits hold in place of the declared ones, also after a deploy, until `reelworks limits reset`.
    """
    from cli.reports.limits import in_words
    from storage import admission_control

    singles = [one for one in (in_flight, creates, reserve) if one is not None]
    if not singles and limits is None:
        refuse("name a limit: --in-flight, --creates, --reserve or --limits")
    if singles and limits is not None:
        refuse("--limits names all limits: leave out --in-flight, --creates and --reserve")
    changes = _changes(in_flight, creates, reserve)
    with _statements() as sql:
        try:
            now = admission_control.set_limits(
                sql, account, lambda before: _changed(before, changes, limits), author_of(reason)
            )
        except ValidationError as error:
            refuse("\n".join(f"{_place(one['loc'])}: {one['msg']}" for one in error.errors(include_url=False)))
    console.print(f"{account}: {in_words(now)}", markup=False, soft_wrap=True)


@app.command("reset")
def reset_limits(account: Account, reason: Why = None) -> None:
    """Go back to the declared limits, forget the limits learned from refusals, and open a closed account."""
    from cli.reports.limits import in_words
    from storage import admission_control

    with _statements() as sql:
        now = admission_control.reset_limits(sql, account, author_of(reason))
    console.print(f"{account}: {in_words(now)}", markup=False, soft_wrap=True)


@app.command("history")
@top.command("changes")
def show_history(limit: Limit = 50, as_json: AsJson = False) -> None:
    """Show who changed limits and pauses or acted on generations, when, and why, the newest first."""
    from cli.reports.limits import show_changes
    from storage import admission_control

    with transaction() as session:
        page = admission_control.changes(session, None, limit=limit)
    show_changes(page.rows, console, as_json=as_json)


@top.command()
def pause(scope: Scope, name: Name, reason: Why = None) -> None:
    """Let new generations of a model, an account, a route or a customer wait. Work at the vendor goes on.

    Orders are accepted and wait. Their default deadline does not run meanwhile.
    """
    from admission import pausing
    from providers.catalogue import Catalogue
    from providers.registry import Providers, accounts_of

    settings = provider_settings()
    providers = Providers(accounts_of(settings))
    catalogue = Catalogue.load(providers.offer(), settings.prices, providers.servers())
    with _statements() as sql:
        known = pausing.pause(sql, catalogue, scope, name, author_of(reason))
    console.print(f"the {scope} {known} is paused: `reelworks resume {scope} {known}` ends it", soft_wrap=True)


@top.command()
def resume(scope: Scope, name: Name, reason: Why = None) -> None:
    """End a pause. The generations that waited keep their turns."""
    from storage import admission_control

    with _statements() as sql:
        admission_control.resume(sql, scope, name, author_of(reason))
    console.print(f"the {scope} {name} goes on", markup=False, soft_wrap=True)


@contextmanager
def _statements() -> Iterator["Sql"]:
    from storage.sql import of

    with transaction() as session:
        yield of(session)


def _changes(in_flight: str | None, creates: list[str] | None, reserve: int | None) -> dict[str, object]:
    changes: dict[str, object] = {}
    if in_flight is not None:
        changes["in_flight"] = None if in_flight == _NONE else in_flight
    if creates is not None:
        changes["creates"] = [] if creates == [_NONE] else [_window(one) for one in creates]
    if reserve is not None:
        changes["reserve"] = reserve
    return changes


def _changed(before: AccountLimits, changes: dict[str, object], whole: str | None) -> AccountLimits:
    if whole is not None:
        return AccountLimits.model_validate_json(whole)
    return AccountLimits.model_validate(before.model_dump() | changes)


def _place(path: tuple[int | str, ...]) -> str:
    return ".".join(map(str, path)) or "--limits"


def _window(given: str) -> dict[str, object]:
    most, slash, seconds = given.partition("/")
    if not (slash and most.isascii() and most.isdecimal()):
        refuse(f"--creates {given}: must be a number of creates and a time, such as 20/10s, or `none`")
    return {"most": most, "seconds": a_duration(seconds).total_seconds()}
