"""A customer's credits."""

from typing import Annotated
from uuid import UUID

import typer

from cli.authors import author_of
from cli.configuration import transaction
from cli.console import console
from cli.options import a_name, a_prose
from schemas.identity_api import MOST_CREDITS
from schemas.levers import Lever

app = typer.Typer(no_args_is_help=True, help="A customer's credits.")


@app.command("grant")
def grant(
    customer: Annotated[UUID, typer.Argument(help="the customer's id")],
    amount: Annotated[int, typer.Argument(min=1, max=MOST_CREDITS, help="credits")],
    reference: Annotated[
        str, typer.Option(parser=a_name, metavar="<str>", help="makes the grant happen once, e.g. an invoice number")
    ],
    reason: Annotated[str | None, typer.Option(parser=a_prose, metavar="<str>", help="for the record")] = None,
) -> None:
    """Add credits. The same reference again changes nothing."""
    from storage import ledger

    with transaction() as session:
        ledger.grant(session, customer, amount, reference=reference, reason=reason)
        balance = ledger.balance(session, customer)
    console.print(f"available {balance.available}, held {balance.held}")


@app.command("refund")
def refund(
    customer: Annotated[UUID, typer.Argument(help="the customer's id")],
    generation: Annotated[UUID, typer.Argument(help="the generation's id")],
    amount: Annotated[
        int, typer.Argument(min=1, max=MOST_CREDITS, help="credits to return; at most the captured credits")
    ],
    reference: Annotated[
        str, typer.Option(parser=a_name, metavar="<str>", help="makes the refund happen once, e.g. a ticket's number")
    ],
    reason: Annotated[str, typer.Option(parser=a_prose, metavar="<str>", help="for the record")],
) -> None:
    """Give captured credits of one generation back. The same reference again changes nothing.

    `reelworks generations refund` gives all credits of a selection of generations back.
    """
    from storage import ledger
    from storage.levers import changes
    from storage.sql import of

    with transaction() as session:
        if ledger.refund(session, customer, generation, amount, reference=reference, reason=reason):
            facts = {"credits": amount, "reference": reference}
            changes.record_one(of(session), Lever.REFUND, f"id={generation}", author_of(reason), facts)
        balance = ledger.balance(session, customer)
    console.print(f"available {balance.available}, held {balance.held}")


@app.command("show")
def show_credits(customer: Annotated[UUID, typer.Argument(help="the customer's id")]) -> None:
    """Show a customer's credits."""
    from storage import ledger

    with transaction() as session:
        balance = ledger.balance(session, customer)
    console.print(f"available {balance.available}, held {balance.held}")
