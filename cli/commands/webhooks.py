"""Endpoints of webhooks, and the messages to them."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from cli.authors import author_of
from cli.configuration import transaction
from cli.console import console
from cli.options import AsJson, Limit, a_duration, a_prose
from schemas.levers import Lever
from schemas.webhooks import DeliveryState, PauseReason

app = typer.Typer(no_args_is_help=True, help="Endpoints of webhooks, and the messages to them.")

Endpoint = Annotated[UUID, typer.Argument(help="the endpoint's id")]


@app.command("list")
def list_endpoints(
    customer: Annotated[UUID | None, typer.Argument(help="the customer's id; every customer if left out")] = None,
    paused: Annotated[bool, typer.Option("--paused", help="those to which nothing is sent")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List endpoints, the newest first."""
    from cli.reports.rows import show_rows
    from storage.webhooks import endpoints, listings

    with transaction() as session:
        wanted = endpoints.Filter(is_paused=paused or None)
        found = listings.listed_endpoints(session, customer, wanted, limit=limit)
    show_rows(listings.ListedEndpoint, found, console, as_json=as_json, for_programs=("customer_id", "is_implicit"))


@app.command("deliveries")
def list_deliveries(
    endpoint: Annotated[UUID | None, typer.Option(help="those to this endpoint")] = None,
    customer: Annotated[UUID | None, typer.Option(help="those of this customer")] = None,
    generation: Annotated[UUID | None, typer.Option(help="those about this generation")] = None,
    state: Annotated[DeliveryState | None, typer.Option(help="those in this state")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List messages, the newest first."""
    from cli.reports.rows import show_rows
    from storage.webhooks import deliveries, listings

    wanted = deliveries.Filter(customer, endpoint, generation, state)
    with transaction() as session:
        found = listings.listed_deliveries(session, wanted, limit=limit)
    show_rows(listings.ListedDelivery, found, console, as_json=as_json)


@app.command("show")
def show_delivery(
    delivery: Annotated[UUID, typer.Argument(help="the id of the message, as in the header `webhook-id`")],
    as_json: AsJson = False,
) -> None:
    """Show the attempts of a message."""
    from cli.reports.rows import show_json, show_rows
    from storage.webhooks import deliveries, listings

    with transaction() as session:
        message = listings.delivery(deliveries.require(session, delivery))
        attempts = [listings.attempt(row) for row in deliveries.attempts(session, delivery)]
    if as_json:
        show_json({**vars(message), "attempts": [vars(each) for each in attempts]}, console)
        return
    show_rows(listings.ListedDelivery, [message], console, as_json=False)
    show_rows(listings.ListedAttempt, attempts, console, as_json=False)


@app.command("redeliver")
def redeliver(
    message: Annotated[
        UUID | None, typer.Argument(help="the id of the message; left out: --endpoint and --last")
    ] = None,
    endpoint: Annotated[UUID | None, typer.Option(help="the messages of this endpoint")] = None,
    last: Annotated[
        timedelta | None, typer.Option(parser=a_duration, metavar="TIME", help="those of the last time, such as 12h")
    ] = None,
    delivered: Annotated[bool, typer.Option("--delivered", help="also those that were delivered")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="count them, and send nothing")] = False,
    reason: Annotated[str | None, typer.Option(parser=a_prose, metavar="<str>", help="why, for the history")] = None,
) -> None:
    """Send a message once more, or those of an endpoint that failed.

    `reelworks generations redeliver` sends those about a selection of generations.
    """
    from storage.generations import database_now
    from storage.levers import changes
    from storage.sql import of
    from storage.webhooks import deliveries, endpoints

    with transaction() as session:
        if message is not None and endpoint is None and last is None and not dry_run:
            deliveries.redeliver(session, deliveries.require(session, message, locks=True))
            count = 1
        elif message is None and endpoint is not None and last is not None:
            now = database_now(session)
            states = deliveries.ENDED if delivered else deliveries.UNDELIVERED
            span = deliveries.Span(now - last, now, states)
            count = deliveries.redeliver_all(session, endpoints.require(session, endpoint), span, is_dry=dry_run)
        else:
            raise typer.BadParameter("name a message, or --endpoint ID with --last TIME")
        if count and not dry_run:
            meant = f"message={message}" if message else f"endpoint={endpoint}"
            changes.record_one(of(session), Lever.REDELIVER, meant, author_of(reason), {"messages": count})
    console.print(f"{count} message(s) {'would be' if dry_run else 'are'} sent once more")


@app.command("pause")
def pause_endpoint(endpoint: Endpoint) -> None:
    """Send nothing to an endpoint until it is resumed. Its messages wait."""
    from storage.webhooks import endpoints

    with transaction() as session:
        endpoints.pause(session, endpoints.require(session, endpoint, locks=True), PauseReason.OPERATOR)
    console.print("paused")


@app.command("resume")
def resume_endpoint(endpoint: Endpoint) -> None:
    """Send to an endpoint again, at first the messages that have waited."""
    from storage.webhooks import endpoints

    with transaction() as session:
        endpoints.resume(endpoints.require(session, endpoint, locks=True))
    console.print("resumed")
