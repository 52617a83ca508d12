"""Customers and services as their managers see them: the operator sees all customers, a service sees its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from schemas.customer_tables import Customer
from schemas.errors import InvalidRequest
from schemas.identity_tables import Service
from schemas.lists import Position
from schemas.tables import Generation
from storage import customers, ledger, lists, quota_settings
from storage.admission_control import Reason
from storage.api_keys import Owner
from storage.ledger import Balance
from storage.lists import Page
from storage.quota_settings import CustomerLimits, LimitChanges
from storage.sql import of


@dataclass(frozen=True)
class Found:
    """A customer with the credits."""

    customer: Customer
    """The customer."""
    balance: Balance
    """The credits."""
    limits: CustomerLimits | None
    """The limits. None: the operator set none."""
    test_limits: CustomerLimits | None
    """The limits of the customer's test customer. None: the operator set none."""


def listed(
    session: Session, manager: Owner, after: Position | None, *, limit: int, text: str | None = None
) -> tuple[list[Found], Position | None]:
    """One page of a manager's customers, and the position after which the next page begins.

    Args:
        text: a part of the name, the number or text of a service, or the id of the customer or of a generation. None:
            all customers.
    """
    wanted = _of(manager) if text is None else _of(manager).where(_matches(text))
    page = lists.read(session, Customer, wanted, after, limit=limit)
    balances = ledger.balances(session, [customer.id for customer in page.rows])
    return _with_limits(session, page.rows, balances), page.next


def find(session: Session, manager: Owner, name: str) -> Found | None:
    """A manager's customer: by the service's own number or text, or for the operator by our id."""
    if manager.service_id is not None:
        wanted = _of(manager).where(Customer.reference == name)
    else:
        wanted = _of(manager).where(Customer.id == customers.as_id(name))
    found = session.exec(wanted).one_or_none()
    return None if found is None else _with_balance(session, found)


def create(session: Session, manager: Owner, name: str, reference: str | None) -> Found:
    """Insert a customer of a manager.

    Raises:
        InvalidRequest: a service's customer has no reference or one that is taken, or the operator's customer has one.
    """
    if manager.service_id is None:
        if reference is not None:
            problem = "is for services: a customer of no service has our id only"
            raise InvalidRequest.of_fields([("customer_id", problem)])
        return _with_balance(session, customers.create_customer(session, name))
    if reference is None:
        raise InvalidRequest.of_fields([("customer_id", "is missing: your own number or text for the customer")])
    if find(session, manager, reference) is not None:
        raise InvalidRequest.of_fields([("customer_id", "is taken: another customer of yours has it")])
    customer = session.get_one(Customer, customers.ensure_customer_of(session, manager.service_id, reference))
    customer.name = name
    return _with_balance(session, customer)


def services(session: Session, after: Position | None, *, limit: int) -> Page[Service]:
    """One page of the services."""
    return lists.read(session, Service, select(Service), after, limit=limit)


def _of(manager: Owner) -> SelectOfScalar[Customer]:
    live = select(Customer).where(col(Customer.test_of).is_(None), col(Customer.deleted_at).is_(None))
    return live if manager.service_id is None else live.where(Customer.service_id == manager.service_id)


def _matches(text: str) -> ColumnElement[bool]:
    named = or_(col(Customer.name).icontains(text, autoescape=True), col(Customer.reference) == text)
    wanted = customers.as_id(text)
    if wanted is None:
        return named
    orderer = aliased(Customer)
    # The generation of a test key leads to the live customer.
    of_generation = (
        select(func.coalesce(orderer.test_of, orderer.id))
        .join(Generation, col(Generation.customer_id) == orderer.id)
        .where(Generation.id == wanted)
    )
    return or_(named, col(Customer.id) == wanted, col(Customer.id).in_(of_generation))


def _with_balance(session: Session, customer: Customer) -> Found:
    session.flush()
    session.refresh(customer)
    (found,) = _with_limits(session, [customer], {customer.id: ledger.balance(session, customer.id)})
    return found


def _with_limits(session: Session, rows: Sequence[Customer], balances: Mapping[UUID, Balance]) -> list[Found]:
    own, test = quota_settings.of_customers_and_tests(of(session), [row.id for row in rows])
    return [Found(row, balances[row.id], own.get(row.id), test.get(row.id)) for row in rows]


def limit(
    session: Session, manager: Owner, found: Found, changes: LimitChanges, test_changes: LimitChanges, why: Reason
) -> Found:
    """Change the limits of a manager's customer, and of the test customer.

    Raises:
        InvalidRequest: a service changes the weight.
    """
    if manager.service_id is not None and "weight" in changes | test_changes:
        raise InvalidRequest.of_fields([("limits.weight", "is for the operator: shares among all customers follow it")])
    if changes:
        quota_settings.change(of(session), found.customer.id, changes, why)
    if test_changes:
        test_id = customers.ensure_test_customer(session, found.customer.id)
        quota_settings.change(of(session), test_id, test_changes, why)
    return _with_balance(session, found.customer)
