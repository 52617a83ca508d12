"""Rotates the secret key: makes a new one, and tells what still depends on earlier ones."""

import secrets as random
from datetime import timedelta
from typing import Annotated

import typer

from cli.authors import author_of
from cli.configuration import service_settings, transaction
from cli.console import console
from cli.options import AsJson, a_prose
from schemas import link_tokens
from schemas.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The secret key that signs links and callback URLs.")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Show the keys that have signed, and what still depends on each. Exit with 1 if a needed key is not accepted.

    Needs the settings of the processes. Keys are shown by fingerprints.
    """
    from cli.reports.secrets import KeyState, show_keys
    from storage import secret_keys
    from storage.sql import of

    settings = service_settings()
    accepted = [link_tokens.fingerprint(key) for key in settings.accepted_keys]
    with transaction() as session:
        sql = of(session)
        states = [
            KeyState(
                key=one,
                signs=one.fingerprint == accepted[0],
                is_accepted=one.fingerprint in accepted,
                dependents=secret_keys.dependents(sql, one.last_signed_at, links_last=_links_last(settings)),
            )
            for one in secret_keys.keys(sql)
        ]
    if not show_keys(states, accepted, console, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def rotate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show the steps and what depends on the key")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", parser=a_prose, metavar="<str>", help="why, for the history")
    ] = None,
) -> None:
    """Make a new secret key, and print the settings of each step. No process needs to stop.

    The new key is printed once and stored nowhere.
    """
    from cli.reports.secrets import show_rotation
    from storage import secret_keys
    from storage.generations import database_now
    from storage.sql import of

    settings = service_settings()
    new = "(the new key)" if dry_run else random.token_hex(32)
    with transaction() as session:
        found = secret_keys.dependents(of(session), database_now(session), links_last=_links_last(settings))
        if not dry_run:
            secret_keys.record_rotation(of(session), link_tokens.fingerprint(new), author_of(reason))
    earlier = [key.get_secret_value() for key in settings.also_accepted_secret_keys]
    show_rotation(new, link_tokens.fingerprint(settings.accepted_keys[0]), len(earlier), found, console)


def _links_last(settings: Settings) -> timedelta:
    """The longest time for which a link to a file works: links of one hour are equal."""
    return timedelta(seconds=settings.seeds.link_seconds, hours=1)
