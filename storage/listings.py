"""Lists customers, API keys and generations for operators, newest first. The lists contain no prompts and no keys."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from schemas.enums import ErrorCode, Kind, Stage
from schemas.names import ProviderName
from schemas.stages import TERMINAL, status_of


@dataclass(frozen=True)
class ListedCustomer:
    """A customer and the customer's credits."""

    id: UUID
    """The customer's id."""
    name: str
    """The customer's name. Several customers may have the same name."""
    available: int
    """Credits to spend."""
    held: int
    """Credits on hold for unfinished generations."""
    keys: int
    """The number of API keys that were not revoked."""
    service: str | None
    """The service that acts for the customer."""
    reference: str | None
    """The service's number or text for the customer."""
    created_at: datetime
    """The time when the customer was made."""


@dataclass(frozen=True)
class ListedKey:
    """An API key, identified by its first characters."""

    prefix: str
    """The key's first characters."""
    customer_id: UUID | None
    """The id of the key's customer. None for a key of a service or of the operator."""
    owner: str
    """The name of the customer, or `service NAME`, or `operator`."""
    name: str | None
    """The use of the key."""
    scopes: str
    """The scopes, with commas."""
    test: bool
    """Whether the key's orders go to the sandbox."""
    makes_customers: bool
    """Whether the key makes unknown customers of its service."""
    daily_cap: int | None
    """The credits that the key may spend a day."""
    in_flight: int | None
    """The most generations at the same time."""
    per_day: int | None
    """The most generations on one day."""
    on_limit: str
    """What happens to an order over a limit or the cap."""
    created_at: datetime
    """The time when the key was made."""
    last_used_at: datetime | None
    """The time of the last use, to about a minute."""
    expires_at: datetime | None
    """The end of the key. None: never."""
    revoked_at: datetime | None
    """The time when the key was revoked. None for a valid key."""


@dataclass(frozen=True)
class ListedService:
    """A service, which acts for many customers."""

    id: UUID
    """The service's id."""
    name: str
    """The service's name."""
    customers: int
    """The number of its customers."""
    created_at: datetime
    """The time when the service was made."""


@dataclass(frozen=True)
class ListedGeneration:
    """A generation without its order."""

    id: UUID
    """The generation's id."""
    customer_id: UUID
    """The id of the customer who ordered the generation."""
    model: str
    """The ordered model."""
    provider: str
    """The provider of the current route."""
    stage: Stage
    """The current stage."""
    status: str
    """The status in the HTTP API."""
    progress: int
    """Percent done."""
    credits: int
    """The price."""
    error_code: str | None
    """The reason of a failure."""
    created_at: datetime
    """The time of acceptance."""
    finished_at: datetime | None
    """The time when the generation ended."""


_CUSTOMERS = text("""
    SELECT id, name, created_at,
           (SELECT balance FROM ledger_accounts WHERE customer_id = customers.id AND kind = 'available') AS available,
           (SELECT balance FROM ledger_accounts WHERE customer_id = customers.id AND kind = 'held') AS held,
           (SELECT count(*) FROM api_keys WHERE customer_id = customers.id AND revoked_at IS NULL) AS keys,
           (SELECT services.name FROM services WHERE services.id = customers.service_id) AS service, reference
    FROM customers
    WHERE (CAST(:name AS text) IS NULL OR name = :name) AND test_of IS NULL AND deleted_at IS NULL
    ORDER BY created_at DESC, id LIMIT :limit
""")

_KEYS = text("""
    SELECT key.prefix, key.customer_id, coalesce(customers.name, 'service ' || services.name, 'operator') AS owner,
           key.name, array_to_string(key.scopes, ',') AS scopes, key.is_test AS test, key.makes_customers,
           key.daily_cap, key.in_flight, key.per_day, key.on_limit, key.created_at,
           key.last_used_at, key.expires_at, key.revoked_at
    FROM api_keys AS key
    LEFT JOIN customers ON customers.id = key.customer_id
    LEFT JOIN services ON services.id = key.service_id
    WHERE (CAST(:customer_id AS uuid) IS NULL OR customer_id = :customer_id) AND (:revoked OR revoked_at IS NULL)
    ORDER BY key.created_at DESC, key.prefix LIMIT :limit
""")

_SERVICES = text("""
    SELECT id, name, created_at,
           (SELECT count(*) FROM customers WHERE service_id = services.id AND deleted_at IS NULL) AS customers
    FROM services ORDER BY created_at DESC, id LIMIT :limit
""")

# The labels have indexes in this order. They lack the generations that customers have deleted.
_GENERATIONS = """
    SELECT g.id, g.customer_id, g.model, g.provider, g.stage, g.progress, g.credits, g.error_code, g.created_at,
           g.finished_at
    FROM generation_labels l JOIN generations g ON g.id = l.generation_id
    WHERE {conditions}
    ORDER BY {order} LIMIT :limit
"""
_NEWEST_FIRST = "l.created_at DESC, l.generation_id DESC"
# The index of failures is in this order.
_NEWEST_END_FIRST = "g.finished_at DESC"


def customers(session: Session, *, name: str | None = None, limit: int) -> list[ListedCustomer]:
    """List customers. With `name`, list only customers of this name."""
    rows = session.execute(_CUSTOMERS, {"name": name, "limit": limit})
    return [
        ListedCustomer(
            row.id, row.name, row.available or 0, row.held or 0, row.keys, row.service, row.reference, row.created_at
        )
        for row in rows
    ]  # fmt: skip


def keys(
    session: Session, *, customer_id: UUID | None = None, with_revoked: bool = False, limit: int
) -> list[ListedKey]:
    """List live API keys, with `with_revoked` revoked keys too. With `customer_id`, list only this customer's keys."""
    rows = session.execute(_KEYS, {"customer_id": customer_id, "revoked": with_revoked, "limit": limit})
    return [ListedKey(*row) for row in rows]


def services(session: Session, *, limit: int) -> list[ListedService]:
    """List services."""
    return [
        ListedService(row.id, row.name, row.customers, row.created_at)
        for row in session.execute(_SERVICES, {"limit": limit})
    ]


def generations(
    session: Session,
    *,
    customer_id: UUID | None = None,
    provider: ProviderName | None = None,
    kind: Kind | None = None,
    model: str | None = None,
    stages: Collection[Stage] = (),
    error_code: ErrorCode | None = None,
    limit: int,
) -> list[ListedGeneration]:
    """List generations. Each of the other arguments that is given leaves out those that differ."""
    conditions = ["true"]
    given: dict[str, object] = {"limit": limit}
    equals = {
        "l.customer_id": customer_id, "g.provider": provider, "l.kind": kind, "l.model": model,
        "g.error_code": error_code,
    }  # fmt: skip
    for column, value in equals.items():
        if value is not None:
            name = column.partition(".")[2]
            conditions.append(f"{column} = :{name}")
            given[name] = value
    if stages:
        conditions.append("g.stage = ANY(:stages)")
        given["stages"] = [stage.value for stage in stages]
    if stages and not TERMINAL & set(stages):
        conditions.append("g.wake_at IS NOT NULL")  # which has an index
    order = _NEWEST_FIRST if error_code is None else _NEWEST_END_FIRST
    rows = session.execute(text(_GENERATIONS.format(conditions=" AND ".join(conditions), order=order)), given)
    return [
        ListedGeneration(
            row.id, row.customer_id, row.model, row.provider, Stage(row.stage), status_of(Stage(row.stage)),
            row.progress, row.credits, row.error_code, row.created_at, row.finished_at,
        )
        for row in rows
    ]  # fmt: skip
