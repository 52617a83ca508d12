"""The outcome that a callback of Kie tells, and the answer to the callback."""

from typing import Final

from pydantic import BaseModel, Field, JsonValue
from pydantic_core import from_json

from gateway.problems import BadRequest
from schemas.enums import Kind

SUCCESS: Final = "Success"
FAILURE: Final = "Failure recorded"

_OK: Final = 200
_FAILED: Final = 501
_FAILED_WITHOUT_STATE: Final = frozenset({400, 422, 500, 501})
"""The codes of failures at Kie's older endpoints for Veo and Runway, whose callbacks have no `state`."""


class _Task(BaseModel):
    """`data` of a callback."""

    state: JsonValue = None
    result: JsonValue = Field(default=None, alias="resultJson")
    """JSON in a text, with `resultUrls`."""
    info: JsonValue = None
    """The result of Veo's endpoint, with `resultUrls`."""
    video_url: JsonValue = None
    """The result of Runway's endpoint."""


class _Callback(BaseModel):
    """A callback, of which the adapter has read the task's id before."""

    code: int
    data: _Task


def answer_to(body: bytes, kind: Kind) -> str:
    """The answer to a callback about a success or a failure.

    Raises:
        BadRequest: a success without a link, or another state.
    """
    told = _Callback.model_validate_json(body)
    task = told.data
    is_old = task.state is None
    if told.code == _FAILED or task.state == "fail" or (is_old and told.code in _FAILED_WITHOUT_STATE):
        return FAILURE
    old_result = task.info or task.video_url
    if told.code != _OK or not (task.state == "success" or (is_old and old_result)):
        raise BadRequest("Unknown state")
    if not any(map(_has_link, (task.result, task.info, task.video_url))):
        raise BadRequest(f"Missing {kind} URL in response")
    return SUCCESS


def _parsed(text: str) -> JsonValue:
    """The JSON in a text. A text without JSON stays as it is."""
    if not text.startswith(("{", "[")):
        return text
    try:
        parsed: JsonValue = from_json(text)
    except ValueError:
        # Veo's endpoint also sends a list without quotation marks.
        return text if text.startswith("[http") else None
    return parsed


def _has_link(result: JsonValue) -> bool:
    """Whether a result has a link: a text that is a link or JSON, a list of links, or an object with `resultUrls`."""
    match _parsed(result) if isinstance(result, str) else result:
        case {"resultUrls": links}:
            return _has_link(links)
        case [first, *_]:
            return isinstance(first, str) and bool(first)
        case str(link):
            return bool(link)
        case _:
            return False
