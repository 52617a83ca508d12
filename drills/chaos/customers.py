"""The customers of a run."""

from dataclasses import dataclass, field
from uuid import UUID

from drills.chaos.system import System
from storage import customers, ledger

_CREDITS = 10**9
# This customer runs out of credits in the middle of a run.
_POOR_CREDITS = 200


@dataclass(frozen=True)
class Customer:
    """A customer of the load."""

    id: UUID
    """The customer's id."""
    api_key: str = field(repr=False)
    """The customer's API key."""


def make_customers(system: System, count: int) -> list[Customer]:
    """Create customers with credits. The last has few."""
    made: list[Customer] = []
    with system.database.transaction() as session:
        for number in range(count):
            customer = customers.create_customer(session, f"customer {number}")
            amount = _POOR_CREDITS if number == count - 1 else _CREDITS
            ledger.grant(session, customer.id, amount, reference="chaos")
            made.append(Customer(customer.id, customers.create_api_key(session, customer.id)))
    return made
