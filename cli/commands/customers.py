"""Customers."""

from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import typer

from cli.authors import author_of
from cli.commands import keys
from cli.configuration import stores, transaction
from cli.console import console, refuse
from cli.options import AsJson, Limit, a_name, a_prose
from schemas.identity_api import MOST_CREDITS
from schemas.quota_api import MOST_GENERATIONS
from schemas.quotas import OnLimit

if TYPE_CHECKING:
    from storage.quota_settings import LimitChanges

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


@app.command("limits")
def limit_customer(
    customer: Annotated[UUID, typer.Argument(help="the customer's id")],
    weight: Annotated[
        float | None, typer.Option(min=0.001, max=1_000_000, help="the share of each account, relative to others")
    ] = None,
    in_flight: Annotated[
        int | None, typer.Option(min=0, max=MOST_GENERATIONS, help="generations at the same time")
    ] = None,
    no_in_flight: Annotated[bool, typer.Option("--no-in-flight", help="remove the limit")] = False,
    per_day: Annotated[
        int | None, typer.Option(min=0, max=MOST_GENERATIONS, help="generations on one day in UTC")
    ] = None,
    no_per_day: Annotated[bool, typer.Option("--no-per-day", help="remove the limit")] = False,
    credits_per_day: Annotated[
        int | None, typer.Option(min=0, max=MOST_CREDITS, help="credits on one day in UTC")
    ] = None,
    no_credits_per_day: Annotated[bool, typer.Option("--no-credits-per-day", help="remove the limit")] = False,
    on_limit: Annotated[OnLimit | None, typer.Option(help="what happens to an order over a limit")] = None,
    test: Annotated[bool, typer.Option("--test", help="the limits of the customer's test keys together")] = False,
    reason: Annotated[str | None, typer.Option(parser=a_prose, metavar="<str>", help="why, for the history")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a customer's share, limits and use of them. With options: change limits live."""
    from cli.reports.customer_limits import show_customer_limits
    from storage import customers as storage
    from storage import quota_settings
    from storage.api_keys import Owner
    from storage.sql import of

    changes = keys.changes_of(
        weight=(weight, False), in_flight=(in_flight, no_in_flight), per_day=(per_day, no_per_day),
        credits_per_day=(credits_per_day, no_credits_per_day), on_limit=(on_limit, False),
    )  # fmt: skip
    with transaction() as session:
        storage.require_owner(session, Owner(customer))
        holder = storage.ensure_test_customer(session, customer) if test else customer
        if changes:
            quota_settings.change(of(session), holder, cast("LimitChanges", changes), author_of(reason))
        limits = quota_settings.of_customers(of(session), [holder]).get(holder, quota_settings.NO_LIMITS)
    show_customer_limits(limits, console, as_json=as_json)


app.command("key", help="The same as `reelworks keys create`.")(keys.create_key)
app.command("revoke", help="The same as `reelworks keys revoke`.")(keys.revoke_key)
