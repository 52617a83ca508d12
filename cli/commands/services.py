"""Services, which act for many customers under their own numbers."""

from typing import Annotated

import typer

from cli.configuration import transaction
from cli.console import console
from cli.options import AsJson, Limit, a_name

app = typer.Typer(no_args_is_help=True, help="Services, which act for many customers.")


@app.command("list")
def list_services(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List services with their numbers of customers, the newest first."""
    from cli.reports.rows import show_rows
    from storage import listings

    with transaction() as session:
        found = listings.services(session, limit=limit)
    show_rows(listings.ListedService, found, console, as_json=as_json)


@app.command("create")
def create_service(
    name: Annotated[str, typer.Argument(parser=a_name, metavar="name", help="how the service is called")],
) -> None:
    """Create a service. `reelworks keys create --service ID` makes its keys."""
    from storage import customers

    with transaction() as session:
        service = customers.create_service(session, name)
    console.print(f"service {service.id}", soft_wrap=True)
