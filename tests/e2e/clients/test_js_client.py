"""The client for JavaScript, by its tests in `clients/tests`, and its build in the oldest Node that it supports."""

import pytest

from tests.e2e.clients.conftest import SHORT, Buyer
from tests.e2e.clients.test_node import picture, run
from tests.support import new_customer

__all__ = ["picture"]

pytestmark = [pytest.mark.npm, pytest.mark.timeout(1200)]


def test_client(buyer: Buyer, picture: str) -> None:
    system = buyer.system
    run(
        "js",
        GATEWAY=system.stack.gateway_url,
        KEY=system.customer(10_000).api_key,
        POOR_KEY=new_customer(system.database, 1).api_key,
        PROMPT=buyer.prompt,
        FAILING_PROMPT=system.behave(outcome="fail", fail_code="500", fail_msg="out of order"),
        LONG_PROMPT=system.behave(seconds=10, delivered=SHORT),
        PICTURE=picture,
    )


def test_webhooks() -> None:
    run("js-webhooks")


def test_hook_for_react(buyer: Buyer) -> None:
    run(
        "js-react",
        GATEWAY=buyer.system.stack.gateway_url,
        KEY=buyer.customer.api_key,
        PROMPT=buyer.prompt,
        LONG_PROMPT=buyer.system.behave(seconds=10, delivered=SHORT),
    )
