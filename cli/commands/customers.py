"""Customers."""

from typing import Annotated
from uuid import UUID

import typer

from cli.commands import keys
from cli.configuration import stores, transaction
from cli.console import console, refuse
from cli.options import AsJson, Limit, a_name

app = typer.Typer(no_args_is_help=True, help="Customers.")


@app.command("list")
def list_customers(
    name: Annotated[
        str | None, typer.Argument(parser=a_name, metavar="name", help="only customers of this name")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List customers with their credits, the newest first."""
    from cli.reports.rows import show_rows
    from storage import listings

    with transaction() as session:
        found = listings.customers(session, name=name, limit=limit)
    show_rows(listings.ListedCustomer, found, console, as_json=as_json)


@app.command("create")
def create_customer(
    name: Annotated[str, typer.Argument(parser=a_name, metavar="name", help="how the customer is called")],
    force: Annotated[bool, typer.Option("--force", help="even if another customer is called the same")] = False,
) -> None:
    """Create a customer and its first API key. The key appears once."""
    from storage import customers as storage

    with transaction() as session:
        namesake = storage.find_customer(session, name)
        if namesake is not None and not force:
            refuse(
                f"customer {namesake.id} is called {name!r} already: `reelworks keys create {namesake.id}` makes "
                "another key of theirs, and --force a second customer of this name"
            )
        customer = storage.create_customer(session, name)
        key = storage.create_api_key(session, customer.id)
    console.print(f"customer {customer.id}\napi key  {key}", soft_wrap=True)


@app.command("delete")
def delete_customer(
    customer: Annotated[UUID, typer.Argument(help="the customer's id")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Delete a customer: end the keys at once, remove files, prompts and uploads. The ledger stays."""
    from storage import erasure

    if not yes:
        typer.confirm(f"Delete customer {customer} with all files? This cannot be undone", abort=True)
    with stores() as (database, objects):
        unfinished = erasure.delete_customer(database, objects, customer)
    later = f"; {unfinished} unfinished generation(s) are erased by a sweep after their end" if unfinished else ""
    console.print(f"customer {customer} is deleted{later}")


app.command("key", help="The same as `reelworks keys create`.")(keys.create_key)
app.command("revoke", help="The same as `reelworks keys revoke`.")(keys.revoke_key)
