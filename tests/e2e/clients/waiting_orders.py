"""An order whose first attempt waits inside the gateway until the client has sent the order again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import text

from tests.contract.raw_server import RawServer
from tests.e2e.clients.conftest import Buyer
from tests.e2e.clients.relays import cut_before_the_answer, passed_on
from tests.support import eventually, sessions_that_wait

T = TypeVar("T")

_LOCK = "SELECT FROM ledger_accounts WHERE customer_id = :id FOR UPDATE"
# The first attempt waits for the account, and the second one for the first one's digest or key.
_STATEMENTS = ("%ledger_accounts%", "%'digest %", "%INSERT INTO generations %")


def sent_again_while_it_is_taken(buyer: Buyer, relay: RawServer, send: Callable[[], T]) -> T:
    """What `send` gives. The relay cuts its first attempt off while the gateway takes the order."""
    gateway, database = buyer.system.stack.gateway_url, buyer.system.database

    def until_orders_wait(count: int) -> None:
        # Other statements of the running system may wait for other locks.
        eventually(
            lambda: sum(sessions_that_wait(database, statement) for statement in _STATEMENTS),
            lambda found: found == count,
        )

    def first_is_taken() -> None:
        until_orders_wait(1)

    relay.will(cut_before_the_answer(gateway, first_is_taken), passed_on(gateway))
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            session.execute(text(_LOCK), {"id": buyer.customer.id})
            sent = pool.submit(send)
            until_orders_wait(2)
        return sent.result()
