"""A customer cancels a generation. The effect depends on the stage.

- `queued`: no create has left. The generation ends at once.
- `submitting`, `generating`: the vendor may have the work. The request is recorded, and a worker passes it on. The hold
  stays until the vendor confirms, or until the deadline.
- Later stages: the result exists, or the generation has ended. Cancelling is too late.
"""

from collections.abc import Callable
from uuid import UUID

from sqlmodel import Session

from schemas.enums import CancelRule, Stage
from schemas.errors import NotCancellable
from schemas.orders import Order
from schemas.stages import CANCELLABLE, TERMINAL
from schemas.tables import Generation
from storage import generations, sql, transitions

RuleOf = Callable[[Order, int], CancelRule]
"""Returns the rule for the price of cancelling, given an order and the index of its current route."""


def request(session: Session, generation_id: UUID, *, customer_id: UUID, rule_of: RuleOf) -> Generation:
    """Cancel a customer's generation, or record the request to cancel. Returns the new row.

    A repeated call returns the row unchanged.

    Raises:
        NotFound: the customer has no such generation.
        NotCancellable: the generation has ended or has its result, or its provider cannot stop the work.
    """
    # The lock orders this transaction and the commit of a worker that is about to send a create. If we commit first,
    # the worker's write is refused. If the worker commits first, we see `submitting`.
    row = generations.require(session, generation_id, customer_id=customer_id, locks=True)
    if row.stage is Stage.CANCELLED or (row.cancel_requested_at is not None and row.stage in CANCELLABLE):
        return row
    _require_cancellable(row, rule_of)
    if row.stage is Stage.QUEUED:
        transitions.cancel_unsent(sql.of(session), row)
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
