"""The streams in Redis, and their entries.

The id of an entry is the id of its event: event 4711 is the entry `4711-0`. So Redis refuses an entry that comes twice
or late, and a reader can resume after any event that it knows.
"""

from uuid import UUID

from notify.told import EventFacts, text_of, type_name
from storage import stream_position

STREAM = stream_position.NAME
"""The stream of all customers."""


def stream_of(customer_id: UUID) -> str:
    """The stream of one customer."""
    return f"{STREAM}:{customer_id}"


def entry_id(event_id: int) -> str:
    """The id of an event's entry."""
    return f"{event_id}-0"


def event_id(entry: bytes | str) -> int:
    """The id of the event of an entry."""
    text = entry.decode() if isinstance(entry, bytes) else entry
    return int(text.partition("-")[0])


def fields(facts: EventFacts) -> dict[str, str]:
    """The fields of an event's entry. Readers that want a few events only need not read the JSON."""
    return {
        "id": str(facts.id),
        "type": type_name(facts),
        "generation_id": str(facts.generation_id),
        "customer_id": str(facts.customer_id),
        "event": text_of(facts),
    }
