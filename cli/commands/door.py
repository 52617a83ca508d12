"""The Redis door: the messages that it could not read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli.configuration import service_settings
from cli.console import console, refuse
from cli.options import AsJson

if TYPE_CHECKING:
    from intake.redis.dead import DeadLetters

app = typer.Typer(no_args_is_help=True, help="The Redis door, which takes orders from services.")

_ALL = "all"
_SECONDS = 5.0


@app.callback()
def _group() -> None:
    """Keep the name of the one command."""


@app.command()
def dead(
    show: Annotated[str | None, typer.Option(metavar="ID", help="print this message; it may hold a prompt")] = None,
    requeue: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="put this message, or `all`, back into the queue `requests`")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="ID", help="remove this message, or `all`")] = None,
    as_json: AsJson = False,
) -> None:
    """List the messages that the Redis door could not read and whose senders it could not tell, the newest first.

    The list keeps up to 1,000 messages for a week. Of a message above 64 KiB it keeps the beginning.
    """
    if sum(map(bool, (show, requeue, drop))) > 1:
        refuse("give one of --show, --requeue and --drop")
    with _letters() as letters:
        if show:
            _show(letters, show)
        elif requeue:
            _require(letters, requeue, whole=True)
            console.print(f"put back: {letters.put_back(_chosen(requeue))}")
        elif drop:
            _require(letters, drop, whole=False)
            console.print(f"removed: {letters.drop(_chosen(drop))}")
        else:
            _list(letters, as_json=as_json)


@contextmanager
def _letters() -> Iterator["DeadLetters"]:
    from redis import Redis

    from intake.redis.dead import DeadLetters

    settings = service_settings()
    with Redis.from_url(settings.redis_url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS) as redis:
        yield DeadLetters(redis)


def _list(letters: "DeadLetters", *, as_json: bool) -> None:
    from cli.reports.rows import show_rows
    from intake.redis.dead import Dead

    found = letters.listed()
    show_rows(Dead, found, console, as_json=as_json)
    if not as_json:
        console.print(f"\nkept: {len(found)}; given up in all: {letters.count()}")


def _show(letters: "DeadLetters", entry_id: str) -> None:
    message = letters.message(entry_id)
    if message is None:
        refuse(f"there is no dead message {entry_id}: `reelworks door dead` lists them")
    console.out(message.decode(errors="backslashreplace"), highlight=False)


def _require(letters: "DeadLetters", entry_ids: Sequence[str], *, whole: bool) -> None:
    """End the command if an id is unknown, or its message is not whole where it must be."""
    known = {each.id: each for each in letters.listed()}
    for entry_id in set(entry_ids) - {_ALL}:
        if entry_id not in known:
            refuse(f"there is no dead message {entry_id}: `reelworks door dead` lists them")
        if whole and not known[entry_id].is_whole:
            refuse(f"of message {entry_id} only the beginning is kept: its sender must send it again")


def _chosen(entry_ids: Sequence[str]) -> Sequence[str] | None:
    """The ids to act on. None: every message."""
    return None if _ALL in entry_ids else entry_ids
