"""Shows the circuit breakers of routes, and their timeline."""

from typing import Annotated

import typer

from cli.configuration import transaction
from cli.console import console
from cli.options import AsJson, Limit, a_name, by_default

app = typer.Typer(
    cls=by_default("list"), help="Routes to providers that failed, and their circuit breakers. Without a command: list."
)


@app.command("list")
def list_routes(as_json: AsJson = False) -> None:
    """Show each route that has failed at least once, the open ones first. A route that is missing is well."""
    from cli.reports.rows import show_rows
    from storage import routes
    from storage.sql import of

    with transaction() as session:
        rows = routes.listed(of(session))
    show_rows(routes.ListedRoute, rows, console, as_json=as_json)


@app.command("changes")
def list_changes(
    name: Annotated[
        str | None,
        typer.Argument(
            parser=a_name,
            metavar="name",
            help="only those of an account, a vendor's model, or `account/vendor's model`",
        ),
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show when breakers opened, tried a probe and closed, newest first. Changes are kept for 30 days."""
    from cli.reports.rows import show_rows
    from storage import routes
    from storage.sql import of

    with transaction() as session:
        rows = routes.changes(of(session), name=name, most=limit)
    show_rows(routes.ListedChange, rows, console, as_json=as_json)
