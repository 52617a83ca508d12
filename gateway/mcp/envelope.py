"""Checks the envelope of a message (JSON-RPC 2.0) before the SDK reads the message.

The SDK's own refusals quote the message at length, and its answers repeat ids and progress tokens of any length.
"""

from typing import Annotated, Any, Literal, Self

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError, model_validator

from schemas.refusals import Place, refusal

INVALID_MESSAGE = -32600
"""The error code of JSON-RPC for a message that is no request."""

_NO_JSON = -32700

_Mark = StrictInt | Annotated[StrictStr, Field(max_length=200)] | None
"""A value of the client's that answers repeat."""


class InvalidMessage(Exception):
    """The body is no message of the protocol."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self._code = code

    def answer(self) -> dict[str, Any]:
        """The error as JSON-RPC."""
        return {"jsonrpc": "2.0", "id": None, "error": {"code": self._code, "message": str(self)}}


class _Meta(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    progressToken: _Mark = None  # noqa: N815 -- the name in the protocol


class _Params(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    meta: _Meta | None = Field(default=None, alias="_meta")


class _Envelope(BaseModel):
    """A request, a notification, or the answer to a question of the server."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    jsonrpc: Literal["2.0"]
    id: _Mark = None
    method: Annotated[StrictStr, Field(max_length=200)] | None = None
    params: _Params | None = None
    result: Any = None
    error: Any = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.method is None and self.result is None and self.error is None:
            raise ValueError("names no method: a message has a `method`, such as tools/list")
        return self


def require_message(body: bytes) -> None:
    """Require that a body is one message.

    Raises:
        InvalidMessage: the body is another thing, or an identifier in the message is too long.
    """
    try:
        document = pydantic_core.from_json(body)
    except ValueError as error:
        # The text names the place, and quotes nothing.
        raise InvalidMessage(_NO_JSON, f"the body is not valid JSON: {error}") from None
    if isinstance(document, list):
        raise InvalidMessage(INVALID_MESSAGE, "the body is a batch: send each message alone")
    try:
        _Envelope.model_validate(document)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        found = refusal(errors, lambda location: Place(location, _Envelope, "the message"))
        raise InvalidMessage(INVALID_MESSAGE, found.detail) from None
