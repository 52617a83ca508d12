"""The requests and answers of levers over HTTP, for the operator."""

from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schemas.admission_api import LONGEST_REASON
from schemas.enums import Stage
from schemas.levers import Lever, Selection
from schemas.text import Prose

MOST_AT_ONCE = 1_000
"""The most generations that one request acts on."""


class LeverRequest(BaseModel):
    """A selection, and the proof that its count was seen."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {"where": {"status": ["failed"], "provider": ["kie"]}, "reason": "the vendor was away until 12:40"}
            ]
        },
    )

    where: Selection
    """The generations: those that fulfil all conditions."""
    reason: Prose = Field(description="why, for people", min_length=1, max_length=LONGEST_REASON)
    token: str | None = Field(
        default=None,
        description="the `token` of a count of the same selection: act. Left out: count, and change nothing",
        max_length=200,
    )
    after: UUID | None = Field(default=None, description="`next` of the answer before: act on those that follow")
    limit: int = Field(default=200, ge=1, le=MOST_AT_ONCE, description="the most generations to act on now")


class LeverGroup(BaseModel):
    """The selected generations in one stage at one provider."""

    model_config = ConfigDict(from_attributes=True)

    stage: Stage
    """The stage."""
    provider: str = Field(description="the account of the present route")
    selected: int
    """The generations."""
    count: int = Field(description="those on which the lever would act")
    credits: int = Field(description="their credits at stake: held, captured, or for a new order the earlier price")
    at_vendor: int = Field(description="those whose work the vendor accepted, and may bill")
    may_be_at_vendor: int = Field(
        description="those whose create may have left, with unknown outcome: the vendor may have the work, and bill it"
    )
    provider_credits: Decimal | None = Field(
        description="what the vendor has reported as its charge for them, in its own credits; null: nothing"
    )


class LeverCount(BaseModel):
    """What a lever would act on. Nothing was changed."""

    object: Literal["lever_count"] = "lever_count"
    """The type of this resource."""
    lever: Lever
    """The lever."""
    selected: int
    """The generations of the selection."""
    count: int = Field(description="those on which the lever would act")
    credits: int = Field(description="the customers' credits at stake")
    may_be_at_vendor: int = Field(description="those whose create may have left, with unknown outcome")
    groups: list[LeverGroup]
    """The generations by stage and provider."""
    sample: list[UUID] = Field(description="some of those on which the lever would act")
    token: str = Field(description="send the same request with this token to act on at most `count` generations")
    token_ends_at: datetime
    """The time after which the token is no longer valid."""


class LeverRun(BaseModel):
    """What a lever has done."""

    object: Literal["lever_run"] = "lever_run"
    """The type of this resource."""
    lever: Lever
    """The lever."""
    change_id: UUID = Field(description="the entry in `/v1/admin/limit-changes`: one for all requests with the token")
    done: dict[str, int] = Field(
        description="the generations by effect: `woken`, `ordered`, `ended`, `asked`, `refunded`, `sent`, `replayed`; "
        "`claimed` and `moved_on` were left as they were"
    )
    refused: dict[str, int] = Field(description="those that were refused, by the code of the error")
    next: UUID | None = Field(description="send the same request with this as `after` to go on; null: all are done")
    remaining: int = Field(description="the generations that follow")
