"""The API keys of customers."""

from typing import Annotated
from uuid import UUID

import typer

from cli.configuration import transaction
from cli.console import console
from cli.options import AsJson, Limit, a_name
from schemas.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Customers' API keys.")


@app.command("list")
def list_keys(
    customer: Annotated[UUID | None, typer.Argument(help="the customer's id; every customer if left out")] = None,
    with_revoked: Annotated[bool, typer.Option("--revoked", help="with those that were revoked")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List API keys by their first characters, the newest first."""
    from cli.reports.rows import show_rows
    from storage import listings

    with transaction() as session:
        keys = listings.keys(session, customer_id=customer, with_revoked=with_revoked, limit=limit)
    show_rows(listings.ListedKey, keys, console, as_json=as_json)


@app.command("create")
def create_key(customer: Annotated[UUID, typer.Argument(help="the customer's id")]) -> None:
    """Create another API key for a customer. The key appears once."""
    from storage import customers as storage

    with transaction() as session:
        key = storage.create_api_key(session, customer)
    console.print(f"api key  {key}", soft_wrap=True)


@app.command("revoke")
def revoke_key(
    customer: Annotated[UUID, typer.Argument(help="the customer's id")],
    key: Annotated[
        str, typer.Argument(parser=a_name, metavar="key", help="the whole key, or exactly its first 8 characters")
    ],
) -> None:
    """Revoke an API key of a customer."""
    from storage import customers as storage

    with transaction() as session:
        count = storage.revoke_api_keys(session, customer, key)
    if not count:
        raise NotFound(
            f"customer {customer} has no live key like that: give the whole key, or exactly its first 8 characters"
        )
    console.print(f"{count} key(s) revoked")
