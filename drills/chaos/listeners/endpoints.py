"""The endpoints of the customers of a run, all at the one receiver."""

from collections.abc import Sequence

import httpx

from drills.chaos.customers import Customer
from drills.chaos.listeners.receiver import Inbox
from drills.chaos.network.proxy import HOST
from drills.chaos.plans.schedule import LinkName
from drills.chaos.system import System
from schemas.webhooks import USUAL_TYPES
from storage.sql import of
from storage.webhooks import callback_urls, endpoints


def register(system: System, inbox: Inbox, customers: Sequence[Customer]) -> None:
    """Make an endpoint for each customer, and one for the `callback_url` of its orders. Tell the receiver the keys."""
    with system.database.transaction() as session:
        for number, customer in enumerate(customers):
            row = endpoints.create(session, customer.id, _url(system, customer_path(number)), types=USUAL_TYPES)
            assert row is not None
            inbox.secrets[customer_path(number)] = row.secret
            url = callback_url(system, number)
            found = callback_urls.endpoints_of(of(session), customer.id, [url])
            inbox.secrets[order_path(number)] = endpoints.require(session, found[url]).secret
    answer = httpx.get(f"{system.application.gateway_url}/v1/webhooks/public-key", trust_env=False)
    inbox.public_key = answer.raise_for_status().json()["public_key"]


def callback_url(system: System, customer: int) -> str:
    """The `callback_url` of a customer's orders."""
    return _url(system, order_path(customer))


def customer_path(customer: int) -> str:
    """The path of a customer's endpoint."""
    return f"/customers/{customer}"


def order_path(customer: int) -> str:
    """The path of a customer's `callback_url`."""
    return f"/orders/{customer}"


def _url(system: System, path: str) -> str:
    return f"http://{HOST}:{system.links[LinkName.WEBHOOKS].port}{path}"
