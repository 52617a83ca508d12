"""A customer's wish to cancel, told apart by how far the generation is.

Nothing was sent yet: it ends here and now. The provider may have it: the wish is written down, and whoever looks after
the generation passes it on; the hold stays until the provider has confirmed, or until the deadline. There is a result,
or an end: too late.
"""

from collections.abc import Callable
from uuid import UUID

from sqlmodel import Session, select

from schemas.enums import CancelRule, Stage
from schemas.errors import NotCancellable, NotFound
from schemas.orders import Order
from schemas.stages import CANCELLABLE, TERMINAL
from schemas.tables import Generation
from storage import sql, transitions

RuleOf = Callable[[Order, int], CancelRule]
"""What cancelling costs, for an order and the index of the route that serves it."""


def request(session: Session, generation_id: UUID, *, customer_id: UUID, rule_of: RuleOf) -> Generation:
    """Cancel a customer's generation, or write the wish down; the row as it stands then. May be asked again.

    Raises:
        NotFound: they have no such generation.
        NotCancellable: it is over, has its result, or its provider cannot stop it.
    """
    # The lock decides between us and the worker that is about to send it: after our commit its write is refused, or
    # after its commit we see that it was sent.
    row = session.exec(
        select(Generation)
        .where(Generation.id == generation_id, Generation.customer_id == customer_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"you have no generation {generation_id}")
    if row.stage is Stage.CANCELLED or (row.cancel_requested_at is not None and row.stage in CANCELLABLE):
        return row
    _require_cancellable(row, rule_of)
    if row.stage is Stage.QUEUED:
        transitions.cancel_unsent(sql.of(session), row.id, row.customer_id)
    else:
        transitions.request_cancel(sql.of(session), row.id)
    session.refresh(row)
    return row


def _require_cancellable(row: Generation, rule_of: RuleOf) -> None:
    if row.stage in TERMINAL:
        raise NotCancellable(f"the generation is {row.stage}: there is nothing left to cancel")
    if row.stage not in CANCELLABLE:
        raise NotCancellable("the result is there and is being stored: it will be delivered and charged")
    if row.stage is not Stage.GENERATING:
        return
    if rule_of(Order.model_validate(row.order), row.route_index) is CancelRule.IMPOSSIBLE:
        raise NotCancellable(f"{row.provider} has begun it and cannot stop it: it will be delivered and charged")
