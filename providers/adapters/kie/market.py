"""Kie Market: one wire for the models of many vendors. Source: https://docs.kie.ai/market, the page of each model."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from pydantic import Field, JsonValue
from pydantic_core import from_json

from providers.adapters.kie.market_inputs import to_body
from providers.adapters.kie.wire import Answer, Wire, failed, finished
from providers.adapters.links import file_links
from providers.adapters.payload import Lenient, Measurement, Report
from providers.adapters.words import no_news, read_status
from providers.base import RemoteState, RemoteStatus

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "waiting": RemoteStatus.QUEUED,
    "queuing": RemoteStatus.QUEUED,
    "generating": RemoteStatus.RUNNING,
    "success": RemoteStatus.SUCCEEDED,
    "fail": RemoteStatus.FAILED,
}


class Record(Report):
    """`data` of a status read. `resultJson` is a JSON string, empty until the task has succeeded."""

    members = frozenset({"taskId", "task_id", "state"})

    state: JsonValue = None
    result_json: JsonValue = Field(default=None, alias="resultJson")
    fail_code: Lenient[str] = Field(default=None, alias="failCode")
    fail_msg: JsonValue = Field(default=None, alias="failMsg")
    credits: Lenient[Decimal] = Field(default=None, alias="creditsConsumed")
    milliseconds: Measurement = Field(default=None, alias="costTime")


def to_state(answer: Answer, prompt: str = "") -> RemoteState:
    """The state of a task."""
    record = Record.model_validate(answer.data)
    match read_status(record.state, STATUSES):
        case RemoteStatus.SUCCEEDED:
            seconds = None if record.milliseconds is None else record.milliseconds / 1000
            return replace(finished(_result(record), credits_=record.credits), provider_seconds=seconds)
        case RemoteStatus.FAILED:
            reason = record.fail_msg or answer.text
            return failed(record.fail_code, reason, prompt=prompt, credits_=record.credits)
        case RemoteStatus.UNKNOWN:
            return no_news(record.state)
        case status:
            return RemoteState(status, provider_credits=record.credits)


def _result(record: Record) -> JsonValue:
    """The part of the record that holds the links: `resultUrls`, and if this has none, the whole result."""
    result = record.result_json
    if isinstance(result, str):
        try:
            result = from_json(result)
        except ValueError:
            return result
    urls = result.get("resultUrls") if isinstance(result, dict) else None
    return urls if file_links(urls) else result


MARKET: Final = Wire(
    create_path="/api/v1/jobs/createTask",
    status_path="/api/v1/jobs/recordInfo",
    failure_codes=frozenset({501}),
    to_body=to_body,
    to_state=to_state,
)
