"""An order whose first attempt waits inside the gateway until the client has sent the order again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import text

from tests.contract.raw_server import RawServer
from tests.e2e.clients.conftest import Buyer
from tests.e2e.clients.relays import cut_before_the_answer, passed_on
from tests.support import until_sessions_wait

T = TypeVar("T")

_LOCK = "SELECT FROM ledger_accounts WHERE customer_id = :id FOR UPDATE"


def sent_again_while_it_is_taken(buyer: Buyer, relay: RawServer, send: Callable[[], T]) -> T:
    """What `send` gives. The relay cuts its first attempt off while the gateway takes the order."""
    gateway, database = buyer.system.stack.gateway_url, buyer.system.database

    def first_is_taken() -> None:
        until_sessions_wait(database, 1)

    relay.will(cut_before_the_answer(gateway, first_is_taken), passed_on(gateway))
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            session.execute(text(_LOCK), {"id": buyer.customer.id})
            sent = pool.submit(send)
            until_sessions_wait(database, 2)
        return sent.result()
