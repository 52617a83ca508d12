"""The operator's changes: limits of accounts, and pauses. Each change is one statement that also writes the audit row.

A change acts within about a second: that long a process remembers its view (`admission/gate.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, select

from schemas.admission_tables import AdmissionChange
from schemas.errors import NotFound
from schemas.limits import AccountLimits, Action, PauseScope
from schemas.lists import Position
from schemas.names import ProviderName
from schemas.text import shown
from storage import lists
from storage.lists import Page
from storage.sql import Sql, returns

LIMITS = "limits"
"""The scope of changes of limits."""


@dataclass(frozen=True)
class Reason:
    """Who makes a change, and why."""

    author: str
    """The key of an operator, or the user of a command."""
    text: str | None = None
    """Why, for people."""


@dataclass(frozen=True)
class Pause:
    """A pause."""

    scope: PauseScope
    """The kind of the paused thing."""
    name: str
    """The model, the account, `account/vendor's name of the model`, or the customer's id."""
    reason: str | None
    """Why, for people."""
    paused_at: datetime
    """Since when."""


@dataclass(frozen=True)
class _Configured:
    """The limits of an account."""

    declared: dict[str, Any]
    override: dict[str, Any] | None


_CONFIGURED = returns(_Configured)("SELECT declared, override FROM admission_accounts WHERE provider = %(provider)s")

_ACCOUNTS = returns(str)("SELECT provider FROM admission_accounts ORDER BY provider")

# Only if the limits are still those that the change was made of.
_CHANGE = returns(UUID)("""
    WITH changed AS (
        UPDATE admission_accounts SET
            override = %(after)s, limits_at = clock_timestamp(),
            learned_in_flight = CASE WHEN %(forgets)s THEN NULL ELSE learned_in_flight END,
            rate_factor = CASE WHEN %(forgets)s THEN 1 ELSE rate_factor END,
            closed_until = CASE WHEN %(forgets)s THEN NULL ELSE closed_until END,
            closed_reason = CASE WHEN %(forgets)s THEN NULL ELSE closed_reason END
        WHERE provider = %(provider)s AND override IS NOT DISTINCT FROM %(before)s::jsonb
        RETURNING provider
    ), forgotten AS (
        DELETE FROM admission_families AS taught USING changed WHERE taught.provider = changed.provider AND %(forgets)s
    )
    INSERT INTO admission_changes (id, author, action, scope, name, reason, before, after)
    SELECT gen_random_uuid(), %(author)s, %(action)s, %(scope)s, provider, %(reason)s, %(before)s, %(after)s
    FROM changed
    RETURNING id
""")

_PAUSES = returns(Pause)(
    "SELECT scope, name, reason, paused_at FROM admission_pauses ORDER BY paused_at DESC, scope, name"
)

_PAUSE = """
    WITH earlier AS (
        SELECT jsonb_build_object('reason', reason) AS pause FROM admission_pauses
        WHERE scope = %(scope)s AND name = %(name)s
    ), paused AS (
        INSERT INTO admission_pauses (scope, name, reason) VALUES (%(scope)s, %(name)s, %(reason)s)
        ON CONFLICT (scope, name) DO UPDATE SET reason = excluded.reason
    )
    INSERT INTO admission_changes (id, author, action, scope, name, reason, before, after)
    VALUES (
        gen_random_uuid(), %(author)s, 'pause', %(scope)s, %(name)s, %(reason)s, (SELECT pause FROM earlier),
        jsonb_build_object('reason', %(reason)s::text)
    )
"""

_RESUME = returns(UUID)("""
    WITH resumed AS (
        DELETE FROM admission_pauses WHERE scope = %(scope)s AND name = %(name)s RETURNING reason
    )
    INSERT INTO admission_changes (id, author, action, scope, name, reason, before)
    SELECT gen_random_uuid(), %(author)s, 'resume', %(scope)s, %(name)s, %(reason)s,
           jsonb_build_object('reason', resumed.reason)
    FROM resumed
    RETURNING id
""")

# The types are those of the changes. Then both tables are read by their indexes.
_CHANGE_OR_VIEW = aliased(
    AdmissionChange,
    text(f"""
        SELECT id, created_at, author, action, scope, name, reason, before, after FROM admission_changes
        UNION ALL
        SELECT id, created_at, author,
               CAST(CASE WHEN request IS NULL THEN '{Action.VIEW}' ELSE '{Action.SEE}' END AS varchar(16)),
               CAST('{PauseScope.CUSTOMER}' AS varchar(16)), CAST(customer_id AS text), reason, CAST(NULL AS jsonb),
               CASE WHEN request IS NOT NULL THEN jsonb_build_object('view', view_id, 'request', request) END
        FROM studio_views
    """)  # noqa: S608 -- constants
    .columns(*SQLModel.metadata.tables["admission_changes"].columns)
    .subquery("changes"),
)

_CUSTOMER = returns(UUID)("SELECT id FROM customers WHERE id = %(id)s AND deleted_at IS NULL")


def set_limits(
    sql: Sql, provider: ProviderName, change: Callable[[AccountLimits], AccountLimits], why: Reason
) -> AccountLimits:
    """Set an account's limits in place of the declared ones. Returns the new limits.

    Args:
        change: makes the new limits of the configured ones: of the operator's, or else of the declared.

    Raises:
        NotFound: there is no such account.
        InvalidRequest: `change` refuses.
    """
    while True:
        configured = _configured(sql, provider)
        now = configured.declared if configured.override is None else configured.override
        wanted = change(AccountLimits.model_validate(now))
        after = wanted.model_dump(mode="json", exclude_defaults=True)
        if _changed(sql, Action.SET, provider, configured.override, after, why):
            return wanted


def reset_limits(sql: Sql, provider: ProviderName, why: Reason) -> AccountLimits:
    """Go back to the declared limits, forget the limits learned from refusals, and open a closed account.

    Returns the declared limits.

    Raises:
        NotFound: there is no such account.
    """
    while True:
        configured = _configured(sql, provider)
        if _changed(sql, Action.RESET, provider, configured.override, None, why):
            return AccountLimits.model_validate(configured.declared)


def pause(sql: Sql, scope: PauseScope, name: str, why: Reason) -> None:
    """Let the new generations of a model, an account, a route or a customer wait. A second pause changes the reason."""
    sql.run(_PAUSE, scope=scope, name=name, author=why.author, reason=why.text)


def resume(sql: Sql, scope: PauseScope, name: str, why: Reason) -> None:
    """End a pause.

    Raises:
        NotFound: there is no such pause.
    """
    if sql.first(_RESUME, scope=scope, name=name, author=why.author, reason=why.text) is None:
        paused = ", ".join(f"{one.scope} {one.name}" for one in pauses(sql)) or "nothing"
        raise NotFound(f"the {scope} {shown(name)} is not paused. Paused: {paused}")


def pauses(sql: Sql) -> list[Pause]:
    """Every pause, the newest first."""
    return sql.all(_PAUSES)


def changes(session: Session, after: Position | None, *, limit: int) -> Page[AdmissionChange]:
    """One page of the changes and of support's views, newest first."""
    return lists.read(session, _CHANGE_OR_VIEW, select(_CHANGE_OR_VIEW), after, limit=limit)


def has_customer(sql: Sql, customer_id: UUID) -> bool:
    """Whether there is such a customer."""
    return sql.first(_CUSTOMER, id=customer_id) is not None


def account_names(sql: Sql) -> list[ProviderName]:
    """The accounts whose limits are known: workers declare them when they start."""
    return sql.all(_ACCOUNTS)


def known_accounts(sql: Sql) -> str:
    """The accounts in words, for an error."""
    return ", ".join(account_names(sql)) or "none; workers tell them when they start"


def _configured(sql: Sql, provider: ProviderName) -> _Configured:
    found = sql.first(_CONFIGURED, provider=provider)
    if found is None:
        raise NotFound(f"there is no account {shown(provider)}. Accounts: {known_accounts(sql)}")
    return found


def _changed(
    sql: Sql, action: Action, provider: ProviderName, before: dict[str, Any] | None, after: dict[str, Any] | None,
    why: Reason,
) -> bool:  # fmt: skip
    """Change the limits, if they are still those before. Returns whether they were."""
    return (
        sql.first(
            _CHANGE, provider=provider, action=action, scope=LIMITS, forgets=action is Action.RESET,
            before=None if before is None else Jsonb(before), after=None if after is None else Jsonb(after),
            author=why.author, reason=why.text,
        )
        is not None
    )  # fmt: skip
