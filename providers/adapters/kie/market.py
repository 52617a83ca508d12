"""Kie Market: one wire for the models of many vendors. Source: https://docs.kie.ai/market, the page of each model."""

from decimal import Decimal
from typing import Final

from pydantic import Field, ValidationError

from providers.adapters.kie.market_inputs import to_body
from providers.adapters.kie.wire import (
    Answer,
    Payload,
    ResultUrl,
    Wire,
    failed,
    succeeded,
    undocumented_state,
)
from providers.base import RemoteState, RemoteStatus
from schemas.errors import ProviderBadResponse


class Record(Payload):
    """`data` of a status read. `resultJson` is a JSON string, empty until the task has succeeded."""

    state: str
    result_json: str | None = Field(default=None, alias="resultJson")
    fail_code: str | int | None = Field(default=None, alias="failCode")
    fail_msg: str | None = Field(default=None, alias="failMsg")
    credits: Decimal | None = Field(default=None, alias="creditsConsumed")


class _Results(Payload):
    urls: list[ResultUrl] | None = Field(default=None, alias="resultUrls")


def to_state(answer: Answer) -> RemoteState:
    """The state of a task.

    Raises:
        ProviderBadResponse: Kie does not document the status or the result.
        ValidationError: the record has an undocumented form.
    """
    record = Record.model_validate(answer.data)
    match record.state:
        case "waiting" | "queuing":
            return RemoteState(RemoteStatus.QUEUED, provider_credits=record.credits)
        case "generating":
            return RemoteState(RemoteStatus.RUNNING, provider_credits=record.credits)
        case "success":
            return succeeded(_urls(record), credits_=record.credits)
        case "fail":
            return failed(record.fail_code, record.fail_msg or answer.text, credits_=record.credits)
        case _:
            raise undocumented_state()


def _urls(record: Record) -> list[ResultUrl] | None:
    try:
        return _Results.model_validate_json(record.result_json or "{}").urls
    except ValidationError:
        raise ProviderBadResponse("kie reported success with a result of another form") from None


MARKET: Final = Wire(
    create_path="/api/v1/jobs/createTask",
    status_path="/api/v1/jobs/recordInfo",
    failure_codes=frozenset({501}),
    to_body=to_body,
    to_state=to_state,
)
