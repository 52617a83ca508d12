"""Customers and their API keys."""

from typing import Annotated
from uuid import UUID

import typer

from cli.configuration import transaction
from cli.console import console
from schemas.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Customers and their API keys.")


@app.command("create")
def create_customer(name: Annotated[str, typer.Argument(help="how the customer is called")]) -> None:
    """Create a customer and its first API key; the key is shown once."""
    from storage import customers as storage

    with transaction() as session:
        customer = storage.create_customer(session, name)
        key = storage.create_api_key(session, customer.id)
    console.print(f"customer {customer.id}\napi key  {key}", soft_wrap=True)


@app.command("key")
def create_key(customer: Annotated[UUID, typer.Argument(help="the customer's id")]) -> None:
    """Create another API key for a customer; it is shown once."""
    from storage import customers as storage

    with transaction() as session:
        key = storage.create_api_key(session, customer)
    console.print(f"api key  {key}", soft_wrap=True)


@app.command("revoke")
def revoke_key(
    customer: Annotated[UUID, typer.Argument(help="the customer's id")],
    key: Annotated[str, typer.Argument(help="the whole key, or exactly its first 8 characters")],
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
