"""`GET /v1/credits/transfers`: every movement of a customer's credits."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from schemas.enums import TransferKind
from schemas.errors import InvalidRequest, Unauthenticated
from schemas.lists import ListResource, PageQuery, Position
from storage import transfers
from storage.transfers import Transfer

router = customers_router("/v1/credits/transfers", "credits")

_SIGNS: Final = {
    TransferKind.GRANT: 1,
    TransferKind.HOLD: -1,
    TransferKind.CAPTURE: 0,
    TransferKind.RELEASE: 1,
    TransferKind.REFUND: 1,
}


class TransferResource(BaseModel):
    """A movement of credits."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "transfer",
                    "id": "4711",
                    "kind": "hold",
                    "amount": 4,
                    "available_change": -4,
                    "generation_id": "0b0c6f1e-6d0f-4f0a-9f0e-3f7f4f3f1a10",
                    "reference": None,
                    "reason": None,
                    "created_at": "2026-11-20T12:00:00Z",
                }
            ]
        }
    )

    object: Literal["transfer"] = "transfer"
    """The type of this resource."""
    id: str
    """The transfer's id."""
    kind: TransferKind = Field(
        description="`grant`: credits for you; `hold`: set aside for a generation; `capture`: paid for its result; "
        "`release`: given back; `refund`: paid back"
    )
    amount: int = Field(description="the credits, above 0")
    available_change: int = Field(
        description="the change of your available credits; those of all transfers add up to `available`. A capture "
        "takes held credits, so its change is 0"
    )
    generation_id: UUID | None = Field(description="the generation; null for a grant")
    reference: str | None = Field(description="of a grant or refund")
    reason: str | None = Field(description="a note for people")
    created_at: datetime
    """The time of the transfer."""


class TransferList(ListResource[TransferResource]):
    """One page of transfers."""


@router.get("", summary="List your transfers", responses=problems(Unauthenticated, InvalidRequest))
async def list_transfers(
    query: Annotated[PageQuery, Query()], services: ServicesOf, customer: TheCustomer
) -> TransferList:
    """Returns the movements of your credits, newest first. Read on with `next_cursor` while `has_more` is true."""
    before = query.after.id.int if query.after else None
    if before is not None and before >= _IDS:
        raise InvalidRequest.of_fields([("cursor", "is no cursor of this list")])
    read = partial(transfers.newest, customer_id=customer.id, before=before, limit=query.limit + 1)
    found = await services.loop_database.statement(read)
    page = found[: query.limit]
    following = Position(page[-1].created_at, UUID(int=page[-1].id)) if len(found) > query.limit else None
    return TransferList.page([_resource(transfer) for transfer in page], following)


_IDS = 2**63


def _resource(transfer: Transfer) -> TransferResource:
    return TransferResource(
        id=str(transfer.id),
        kind=transfer.kind,
        amount=transfer.amount,
        available_change=_SIGNS[transfer.kind] * transfer.amount,
        generation_id=transfer.generation_id,
        reference=transfer.reference,
        reason=transfer.reason,
        created_at=transfer.created_at,
    )
