"""Shows the state and the addresses of a running system, and runs SQL."""

from typing import Annotated

import typer

from cli.configuration import found_settings, service_settings
from cli.console import console, refuse, silence_logs
from cli.options import AsJson, a_prose

app = typer.Typer()


@app.command()
def status(
    gateway: Annotated[str | None, typer.Option(help="the gateway's address; default: as the settings say")] = None,
    patience: Annotated[float, typer.Option(min=0.5, max=60, help="seconds that workers have to answer")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show services, workers, queues and generations. Exit with 1 if a service or a worker does not answer."""
    from cli.reports.state import show_state
    from cli.state import state_of

    state = state_of(service_settings(), gateway=gateway, patience=patience)
    show_state(state, console, as_json=as_json)
    if not state.is_well:
        raise typer.Exit(1)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check configuration, services and processes, and name each remedy. Exit with 1 if something does not work."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from cli.doctor import checks
    from cli.reports.doctor import show_findings

    silence_logs()
    try:
        settings = found_settings()
    except (ValidationError, SettingsError) as trouble:
        findings = checks.of_settings(trouble)
    else:
        findings = checks.examine(settings)
    if not show_findings(findings, console, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def urls(
    name: Annotated[str | None, typer.Argument(help="print this one alone, such as `redis`")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the addresses of gateway, Flower, database, Redis and S3, with their passwords."""
    from cli.reports.urls import show_urls

    show_urls(service_settings(), console, name=name, as_json=as_json)


@app.command()
def sql(
    statement: Annotated[
        str | None,
        typer.Option(
            "-c", "--command", parser=a_prose, metavar="<str>", help="run this SQL statement and print its rows"
        ),
    ] = None,
    show_url: Annotated[bool, typer.Option("--url", help="print the database's URL; it holds the password")] = False,
    may_write: Annotated[bool, typer.Option("--write", help="changes are taken, too")] = False,
    as_json: AsJson = False,
) -> None:
    """Query the database with psql, or with -c. Without --write, the database refuses changes."""
    from cli import psql
    from cli.reports.rows import show_json

    url = service_settings().database_url
    if show_url:
        console.out(url, highlight=False)
    elif statement is None and as_json:
        refuse("--json is for the answer to a statement: give one with -c")
    elif statement is None:
        psql.open_psql(url, may_write=may_write)
    else:
        answer = psql.run(url, statement, may_write=may_write)
        if as_json:
            show_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows], console)
        else:
            psql.show(answer, console)
