"""The arguments of each operation of the Redis door, with the words that refuse wrong ones."""

import json
from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.batches import BatchRequest
from schemas.errors import InvalidRequest
from schemas.json_values import MOST_VALUES, TOO_MANY_VALUES, count_values, structure
from schemas.orders import GenerationRequest, IdempotencyKey
from schemas.refusals import Location, Place, model_in, refusal


class Arguments(BaseModel):
    """What every operation needs to know."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    customer_id: UUID = Field(description="the customer to charge; every client of this Redis can name any customer")


class EnqueueArguments(Arguments):
    """The arguments of `generation.enqueue`."""

    request: GenerationRequest = Field(description="the body of POST /v1/generations")
    idempotency_key: IdempotencyKey | None = Field(default=None, description="default: the id of the message")


class BatchArguments(Arguments):
    """The arguments of `batch.enqueue`."""

    request: BatchRequest = Field(description="the body of POST /v1/batches")
    idempotency_key: IdempotencyKey | None = Field(default=None, description="default: the id of the message")


class EstimateArguments(Arguments):
    """The arguments of `generation.estimate`."""

    request: GenerationRequest = Field(description="the body of POST /v1/estimate")


class GenerationArguments(Arguments):
    """The arguments of `generation.get` and `generation.cancel`."""

    generation_id: UUID = Field(description="the id of the generation")


class ContinueArguments(GenerationArguments):
    """The arguments of `generation.continue`."""

    idempotency_key: IdempotencyKey | None = Field(default=None, description="default: the id of the message")


Model = TypeVar("Model", bound=BaseModel)


def parsed(model: type[Model], arguments: Mapping[str, object]) -> Model:
    """The checked arguments.

    Raises:
        InvalidRequest: an argument is wrong. A field of `request` has its name of the HTTP door.
    """
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        listed = error.errors(include_input=False, include_url=False)
        raise refusal(listed, lambda location: _place_of(location, model)) from None


def read_object(text: str) -> dict[str, object]:
    """The arguments that a text holds as JSON.

    Raises:
        InvalidRequest: the text is no JSON object, or has too many values.
    """
    document = text.encode("utf-8", "surrogatepass")
    # A text inside a message passed the count of the message's values.
    if count_values(document) > MOST_VALUES and count_values(structure(document)) > MOST_VALUES:
        raise InvalidRequest.of_fields([("arguments", TOO_MANY_VALUES)])
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidRequest.of_fields([("arguments", 'must be an object, or a text that holds one, such as "{}"')])
    return value


def _place_of(location: Location, model: type[BaseModel]) -> Place:
    if location[:1] == ("request",) and len(location) > 1:
        return Place(location[1:], model_in(model.model_fields["request"].annotation), "request")
    return Place(location, model, "arguments")
