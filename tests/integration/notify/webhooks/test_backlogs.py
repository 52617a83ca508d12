"""A backlog of one customer does not delay messages that no announcement tells."""

import time
from uuid import UUID

import pytest

from storage.database import Database
from tests.integration.notify.webhooks.conftest import Sending, an_endpoint, pending
from tests.support import NewCustomer
from tests.webhook_receiver import Answer, Message, Receiver

# The first part of the walk has URLs of the backlog only.
_URLS, _EACH = 20, 200
_LAST = UUID(int=2**128 - 1)


def test_walk_goes_on_while_one_customer_has_more_urls_than_places(
    database: Database,
    customer: NewCustomer,
    receiver: Receiver,
    sending: Sending,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("notify.webhooks.dispatcher._PART", 5)
    backlog = [
        an_endpoint(database, customer, f"{receiver.url}/backlog/{number}", is_implicit=True) for number in range(_URLS)
    ]
    for each in backlog:
        pending(database, each, _EACH)
    other = an_endpoint(database, customer, f"{receiver.url}/other", id=_LAST)

    def answer(message: Message) -> Answer:
        if message.path != "/other":
            time.sleep(0.2)
        return Answer()

    receiver.answer = answer
    with sending():
        receiver.until(10)
        pending(database, other, 1)
        receiver.until(1, path="/other")
        assert len(receiver.messages) < 5 * _EACH / 2
