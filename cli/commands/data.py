"""Prepares, audits and sweeps the database and the object store."""

from datetime import timedelta
from typing import Annotated

import typer

from cli.configuration import service_settings
from cli.console import console, errors
from cli.options import AsJson
from schemas.enums import SweepKind

app = typer.Typer()

_FORMER_KINDS = {"inputs": SweepKind.UPLOADS}


def _sweep_kind(word: str) -> SweepKind:
    """A kind by its name, or by the name that an earlier release gave it."""
    if former := _FORMER_KINDS.get(word):
        errors.print(f"--only {word} is now --only {former}", markup=False)
        return former
    try:
        return SweepKind(word)
    except ValueError:
        raise typer.BadParameter(f"{word!r} is not one of {', '.join(SweepKind)}") from None


Kinds = Annotated[
    list[SweepKind] | None,
    typer.Option(
        parser=_sweep_kind,
        metavar="KIND",
        autocompletion=lambda: list(SweepKind),
        help="sweep this kind alone; may be given several times: assets, uploads (customers' files), "
        "objects (without a row), multipart (of dead workers), receipts, keys (of idempotency), digests (of orders), "
        "spending (of API keys), shares (that ended), deleted (customers)",
    ),
]
"""The kinds of things to sweep."""


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema and create the bucket if it is absent."""
    from storage.migrate import upgrade
    from storage.objects import ObjectStore

    settings = service_settings()
    upgrade(settings.database_url)
    objects = ObjectStore(settings.s3)
    objects.ensure_bucket()
    objects.close()
    console.print("The database and the bucket are ready.")


@app.command()
def audit(
    as_json: AsJson = False,
    online: Annotated[
        bool, typer.Option("--online", help="only what changed lately, and no stored file: for every minute")
    ] = False,
    window: Annotated[float, typer.Option(min=1, max=1440, help="minutes that --online looks back")] = 15,
) -> None:
    """Audit the system. Exit with 1 if a rule does not hold."""
    from cli.reports.audit import run_audit, run_online_audit

    settings = service_settings()
    if online:
        holds = run_online_audit(settings, console, window=timedelta(minutes=window), as_json=as_json)
    else:
        holds = run_audit(settings, console, as_json=as_json)
    if not holds:
        raise typer.Exit(1)


@app.command()
def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count what would be removed")] = False,
    only: Kinds = None,
    as_json: AsJson = False,
) -> None:
    """Remove expired data, as the workers do every hour. Exit with 1 if something could not be removed."""
    from cli.reports.sweep import run_sweep

    settings = service_settings()
    if not run_sweep(settings, console, kinds=only or tuple(SweepKind), is_dry=dry_run, as_json=as_json):
        raise typer.Exit(1)
