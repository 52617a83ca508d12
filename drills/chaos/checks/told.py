"""Compares the committed events with those that the listeners were told."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from drills.chaos.checks.book import Breach, Entry
from drills.chaos.customers import Customer
from drills.chaos.listeners.consumer import Consumer, Heard
from drills.chaos.listeners.endpoints import customer_path, order_path
from drills.chaos.listeners.receiver import Inbox, Receipt
from drills.chaos.plans.orders import PlannedOrder
from drills.chaos.system import System
from schemas.enums import Stage
from schemas.event_types import ENDS, EventType, type_of

_MOVES = text("""
    SELECT id, generation_id, customer_id, origin, stage FROM events WHERE origin IS DISTINCT FROM stage ORDER BY id
""")


@dataclass(frozen=True)
class Listened:
    """The listeners of a run."""

    inbox: Inbox
    """The receiver of webhooks."""
    consumer: Consumer
    """The consumer of the stream."""
    customers: Sequence[Customer]
    """The customers whose endpoints are at the receiver."""


@dataclass(frozen=True)
class Move:
    """A committed event of which others are told."""

    event_id: int
    """The event."""
    generation_id: UUID
    """The generation."""
    customer_id: UUID
    """The customer."""
    type: EventType
    """The type."""


def breaches(system: System, listened: Listened, ours: Iterable[Entry], orders: Iterable[PlannedOrder]) -> list[Breach]:
    """Everything that the listeners were told wrongly, or were not told."""
    with system.database.transaction() as session:
        committed = moves(session)
    number_of = {customer.id: number for number, customer in enumerate(listened.customers)}
    with_callback = {order.key for order in orders if order.has_callback_url}
    with_callback_url = {entry.id for entry in ours if entry.key in with_callback}

    def paths_of(move: Move) -> Sequence[str]:
        number = number_of.get(move.customer_id)
        if number is None:
            return ()
        paths = (customer_path(number), order_path(number))
        return paths if move.generation_id in with_callback_url else paths[:1]

    return [
        *on_the_stream(committed, list(listened.consumer.heard.values())),
        *by_webhook(committed, listened.inbox.taken, paths_of),
        *(Breach("a webhook", strange) for strange in listened.inbox.strange),
    ]


def moves(session: Session) -> list[Move]:
    """Every move, in the order of the events."""
    return [
        Move(event_id, generation_id, customer_id, type_of(origin and Stage(origin), Stage(stage)))
        for event_id, generation_id, customer_id, origin, stage in session.execute(_MOVES)
    ]


def on_the_stream(committed: Sequence[Move], heard: Sequence[Heard]) -> list[Breach]:
    """Moves that the consumer did not hear, that it heard in another order, or that are not committed."""
    known = {move.event_id: move for move in committed}
    numbers = {each.event_id for each in heard}
    return [
        *(Breach(str(move.generation_id), f"{_named(move)} was not on the stream")
          for move in committed if move.event_id not in numbers),
        *_out_of_order(heard),
        *(Breach(each.generation_id, f"the stream told of {each.type} {each.event_id}, which is not committed")
          for each in heard if not _is_committed(each, known)),
    ]  # fmt: skip


def by_webhook(
    committed: Sequence[Move], receipts: Sequence[Receipt], paths_of: Callable[[Move], Collection[str]]
) -> list[Breach]:
    """Ends that did not come to an endpoint, and receipts of what is not committed or not for that endpoint.

    Args:
        paths_of: the endpoints that hear of a move, by path.
    """
    known = {move.event_id: move for move in committed}
    came = {(receipt.path, receipt.event_id) for receipt in receipts}
    return [
        *(Breach(str(move.generation_id), f"{_named(move)} did not come to {path}")
          for move in committed if move.type in ENDS
          for path in paths_of(move) if (path, move.event_id) not in came),
        *(Breach(receipt.generation_id, f"{receipt.path} heard of {receipt.type} {receipt.event_id}, which is not "
                 "committed for this endpoint")
          for receipt in receipts
          if not _is_committed(receipt, known) or receipt.path not in paths_of(known[receipt.event_id])),
    ]  # fmt: skip


def repeated(receipts: Iterable[Receipt]) -> int:
    """How many receipts had come before."""
    counts = Counter(receipt.message_id for receipt in receipts)
    return sum(count - 1 for count in counts.values())


def _is_committed(told: Heard | Receipt, known: Mapping[int, Move]) -> bool:
    move = known.get(told.event_id)
    return move is not None and (str(move.generation_id), move.type) == (told.generation_id, told.type)


def _out_of_order(heard: Iterable[Heard]) -> Iterable[Breach]:
    latest: dict[str, int] = {}
    for each in heard:
        if each.event_id < latest.get(each.generation_id, 0):
            yield Breach(each.generation_id, f"the stream told of event {each.event_id} after a later one")
        latest[each.generation_id] = max(each.event_id, latest.get(each.generation_id, 0))


def _named(move: Move) -> str:
    return f"{move.type} (event {move.event_id})"
