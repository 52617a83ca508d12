"""The double-entry ledger: every movement of credits is a transfer between two accounts.

All functions work in the caller's transaction, so credits move together with the change that they pay for. A repeated
call changes nothing: a transfer that exists already stays as it is. The order of locks is always generation, then
accounts.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from schemas.customer_tables import Customer
from schemas.enums import AccountKind, TransferKind
from schemas.errors import AlreadySettled, CapReached, InsufficientCredits, InvalidRequest, NotFound
from schemas.ledger_tables import LedgerAccount, LedgerTransfer
from schemas.quotas import Quota
from storage import ledger_statements
from storage.sql import Sql, of


@dataclass(frozen=True)
class Balance:
    """A customer's credits."""

    available: int
    """Credits to spend."""
    held: int
    """Credits on hold for unfinished generations."""


@dataclass(frozen=True)
class Spender:
    """The API key that spends a customer's credits."""

    key_id: UUID
    """The id under which the key's spending counts."""
    quota: Quota
    """The limits of the key. `credits_per_day` is its daily cap."""
    used_id: UUID
    """The id of the key itself, whose limits hold."""

    @property
    def daily_cap(self) -> int | None:
        """The credits above which an order of today is refused. None: no cap, or orders over it wait."""
        return None if self.quota.waits else self.quota.credits_per_day


@dataclass(frozen=True)
class _Accounts:
    available: LedgerAccount
    held: LedgerAccount


def open_accounts(session: Session, customer_id: UUID) -> None:
    """Insert the two empty accounts of a new customer."""
    for kind in (AccountKind.AVAILABLE, AccountKind.HELD):
        session.add(LedgerAccount(customer_id=customer_id, kind=kind, balance=0))
    session.flush()


def balance(session: Session, customer_id: UUID) -> Balance:
    """A customer's balance.

    Raises:
        NotFound: there is no such customer.
    """
    rows = session.exec(select(LedgerAccount).where(LedgerAccount.customer_id == customer_id)).all()
    if not rows:
        raise NotFound(f"there is no customer {customer_id}")
    by_kind = {account.kind: account.balance or 0 for account in rows}
    return Balance(available=by_kind[AccountKind.AVAILABLE], held=by_kind[AccountKind.HELD])


def balances(session: Session, customer_ids: Collection[UUID]) -> Mapping[UUID, Balance]:
    """The balances of several customers."""
    rows = session.exec(select(LedgerAccount).where(col(LedgerAccount.customer_id).in_(customer_ids))).all()
    amounts = {(row.customer_id, row.kind): row.balance or 0 for row in rows}
    return {
        one: Balance(available=amounts[one, AccountKind.AVAILABLE], held=amounts[one, AccountKind.HELD])
        for one in customer_ids
    }


def grant(session: Session, customer_id: UUID, amount: int, *, reference: str, reason: str | None = None) -> None:
    """Add credits, once for each `reference`.

    Raises:
        InvalidRequest: the amount is not positive, or the reference was used for another amount.
    """
    _require_positive(amount)
    accounts = _lock_accounts(session, customer_id)
    source = _system_account(session, customer_id, AccountKind.EQUITY)
    transfer = LedgerTransfer(
        kind=TransferKind.GRANT, customer_id=customer_id, from_account_id=source, to_account_id=_id(accounts.available),
        amount=amount, reference=reference, reason=reason,
    )  # fmt: skip
    if not _transfer(session, transfer):
        _require_same_movement(session, transfer)


def hold(sql: Sql, customer_id: UUID, amounts: Mapping[UUID, int], spender: Spender | None = None) -> None:
    """Hold credits for each of these generations, or for none. A free generation needs no hold.

    Args:
        amounts: the credits by generation.
        spender: the key of the order. A release gives the credits back to its cap. None: an order without a key.

    Raises:
        NotFound: there is no such customer.
        InsufficientCredits: the customer has too few credits. The caller must roll the transaction back.
        CapReached: the key may not spend the credits today. The caller must roll the transaction back.
    """
    priced = {generation_id: amount for generation_id, amount in amounts.items() if amount}
    if not priced:
        return
    total = sum(priced.values())
    row = sql.first(
        ledger_statements.HOLD, customer_id=customer_id, generation_ids=list(priced), amounts=list(priced.values()),
        total=total, key_id=None if spender is None else spender.key_id,
        cap=None if spender is None else spender.daily_cap,
    )  # fmt: skip
    if row is None:
        raise NotFound(f"there is no customer {customer_id}")
    if row.is_held and not row.is_within_cap and spender is not None:
        raise _cap_reached(sql, spender, total)
    if not row.is_held and not _moved(sql, customer_id, next(iter(priced)))[TransferKind.HOLD]:
        raise _too_few(total, row.available)


def require(sql: Sql, customer_id: UUID, amount: int) -> None:
    """Check that a customer has credits, and hold none. Only a hold makes sure of the credits.

    Raises:
        NotFound: there is no such customer.
        InsufficientCredits: the customer has too few credits.
    """
    available = sql.first(ledger_statements.AVAILABLE, customer_id=customer_id)
    if available is None:
        raise NotFound(f"there is no customer {customer_id}")
    if available < amount:
        raise _too_few(amount, available)


def spent_today(sql: Sql, key_ids: Collection[UUID]) -> Counter[UUID]:
    """The credits that keys with a cap hold or have paid for the orders of today, in UTC, by `Spender.key_id`."""
    return Counter(dict(sql.all(ledger_statements.SPENT_TODAY, key_ids=list(key_ids))))


def _cap_reached(sql: Sql, spender: Spender, amount: int) -> CapReached:
    spent = spent_today(sql, [spender.key_id])[spender.key_id]
    return CapReached(
        f"this order needs {amount} credits, and this API key has spent {spent} of its {spender.daily_cap} today: "
        "the day ends at 00:00 UTC",
        {"daily_cap": spender.daily_cap, "spent_today": spent, "credits_needed": amount},
    )


def capture(sql: Sql, customer_id: UUID, generation_id: UUID) -> None:
    """End a generation's hold: move the credits to revenue.

    Raises:
        AlreadySettled: the hold was released.
    """
    _settle(sql, customer_id, generation_id, TransferKind.CAPTURE)


def release(sql: Sql, customer_id: UUID, generation_id: UUID) -> None:
    """End a generation's hold: move the credits back to the customer's available credits.

    Raises:
        AlreadySettled: the hold was captured.
    """
    _settle(sql, customer_id, generation_id, TransferKind.RELEASE)


def _settle(sql: Sql, customer_id: UUID, generation_id: UUID, kind: TransferKind) -> None:
    """End a hold by a capture or a release. A generation has one settlement; its key is the generation's id."""
    if (
        sql.first(ledger_statements.SETTLE, customer_id=customer_id, generation_id=generation_id, kind=kind.value)
        is not None
    ):
        return
    moved = _moved(sql, customer_id, generation_id)
    if not moved[kind]:
        raise AlreadySettled(f"generation {generation_id} has nothing on hold: {dict(moved)}")


def refund(
    session: Session, customer_id: UUID, generation_id: UUID, amount: int, *, reference: str, reason: str
) -> bool:
    """Return captured credits to the customer, once for each `reference`. Only operators refund.

    Returns False if the reference was used for the same refund.

    Raises:
        NotFound: there is no such customer, or the customer has no such generation.
        InvalidRequest: the amount is not positive or exceeds the captured credits that are not refunded yet, or the
            reference was used for another refund.
    """
    _require_positive(amount)
    accounts = _lock_accounts(session, customer_id)
    transfer = LedgerTransfer(
        kind=TransferKind.REFUND, customer_id=customer_id, generation_id=generation_id, amount=amount,
        from_account_id=_system_account(session, customer_id, AccountKind.REVENUE),
        to_account_id=_id(accounts.available), reference=reference, reason=reason,
    )  # fmt: skip
    if _find(session, transfer):
        _require_same_movement(session, transfer)
        return False
    _require_refundable(_moved(of(session), customer_id, generation_id), transfer)
    return _transfer(session, transfer)


def refundable(sql: Sql, customer_id: UUID, generation_id: UUID) -> int:
    """The captured credits of a generation that are not refunded."""
    moved = _moved(sql, customer_id, generation_id)
    return moved[TransferKind.CAPTURE] - moved[TransferKind.REFUND]


def _require_refundable(moved: Counter[TransferKind], transfer: LedgerTransfer) -> None:
    held, captured, refunded = (moved[kind] for kind in (TransferKind.HOLD, TransferKind.CAPTURE, TransferKind.REFUND))
    if not held:
        raise NotFound(f"customer {transfer.customer_id} has no generation {transfer.generation_id}")
    if moved[TransferKind.RELEASE]:
        raise InvalidRequest(
            f"generation {transfer.generation_id} cost nothing: its {held} credits came back when it ended"
        )
    if not captured:
        raise InvalidRequest(
            f"generation {transfer.generation_id} has cost nothing yet: its {held} credits are held until it ends"
        )
    if refunded + transfer.amount > captured:
        raise InvalidRequest(
            f"{captured} credits were captured and {refunded} refunded: {transfer.amount} more is too much"
        )


def _lock_accounts(session: Session, customer_id: UUID) -> _Accounts:
    """Lock both accounts of a customer, always in the same order, so that transactions do not deadlock."""
    rows = session.exec(
        select(LedgerAccount)
        .where(LedgerAccount.customer_id == customer_id)
        .order_by(col(LedgerAccount.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    by_kind = {account.kind: account for account in rows}
    if AccountKind.AVAILABLE not in by_kind or AccountKind.HELD not in by_kind:
        raise NotFound(f"there is no customer {customer_id}")
    return _Accounts(available=by_kind[AccountKind.AVAILABLE], held=by_kind[AccountKind.HELD])


_OF_TEST = {AccountKind.EQUITY: AccountKind.TEST_EQUITY, AccountKind.REVENUE: AccountKind.TEST_REVENUE}


def _system_account(session: Session, customer_id: UUID, kind: AccountKind) -> int:
    """The account of the business for a customer: test customers have accounts apart."""
    if session.get_one(Customer, customer_id).test_of is not None:
        kind = _OF_TEST[kind]
    return _id(session.exec(select(LedgerAccount).where(LedgerAccount.kind == kind)).one())


def _id(account: LedgerAccount) -> int:
    if account.id is None:
        raise ValueError("the account is not stored yet")
    return account.id


def _transfer(session: Session, transfer: LedgerTransfer) -> bool:
    """Insert a transfer and move the balances. Returns False if the same transfer exists already."""
    values = transfer.model_dump(exclude={"id", "created_at"})
    statement = insert(LedgerTransfer).values(**values).on_conflict_do_nothing().returning(col(LedgerTransfer.id))
    if session.execute(statement).one_or_none() is None:
        return False
    for account_id, change in ((transfer.from_account_id, -transfer.amount), (transfer.to_account_id, transfer.amount)):
        # The accounts that exist once have no running balance: their `balance` is NULL, and the WHERE skips them.
        session.execute(
            update(LedgerAccount)
            .where(col(LedgerAccount.id) == account_id, col(LedgerAccount.balance).is_not(None))
            .values(balance=LedgerAccount.balance + change)  # type: ignore[operator]  # NULL is filtered out above
        )
    return True


def _find(session: Session, transfer: LedgerTransfer) -> LedgerTransfer | None:
    return session.exec(
        select(LedgerTransfer).where(
            LedgerTransfer.customer_id == transfer.customer_id,
            LedgerTransfer.kind == transfer.kind,
            LedgerTransfer.reference == transfer.reference,
        )
    ).one_or_none()


def _moved(sql: Sql, customer_id: UUID, generation_id: UUID) -> Counter[TransferKind]:
    """The credits that each kind of transfer moved for a customer's generation."""
    moved: Counter[TransferKind] = Counter()
    for kind, amount in sql.all(ledger_statements.MOVED, customer_id=customer_id, generation_id=generation_id):
        moved[kind] += amount
    return moved


def _too_few(needed: int, available: int) -> InsufficientCredits:
    return InsufficientCredits(
        f"this order needs {needed} credits and {available} are available",
        {"credits_needed": needed, "credits_available": available},
    )


def _require_positive(amount: int) -> None:
    if amount <= 0:
        raise InvalidRequest(f"the amount must be a positive number of credits, not {amount}")


def _require_same_movement(session: Session, transfer: LedgerTransfer) -> None:
    existing = _find(session, transfer)
    if existing is not None and existing.generation_id != transfer.generation_id:
        raise InvalidRequest(
            f"reference {transfer.reference!r} already stands for generation {existing.generation_id}: "
            "use a new reference for a new movement"
        )
    if existing is not None and existing.amount != transfer.amount:
        raise InvalidRequest(
            f"reference {transfer.reference!r} already stands for {existing.amount} credits, not {transfer.amount}: "
            "use a new reference for a new movement"
        )
