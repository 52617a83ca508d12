"""The one way in which OpenAI's dialect takes an order, for videos and images."""

from collections.abc import Mapping

from fastapi import Request

from gateway.callers import Caller
from gateway.dependencies import GatewayServices
from gateway.openai.errors import MayBeRecorded
from gateway.renamed import renamed
from schemas.errors import RequestError
from schemas.orders import GenerationRequest
from storage.acceptance import AcceptedOrder
from storage.outages import OUTAGES


async def take(
    request: Request, order: GenerationRequest, names: Mapping[str, str], *, idempotency_key: str | None = None
) -> AcceptedOrder:
    """Take an order of this dialect.

    Args:
        request: the HTTP request. Its key says who pays.
        order: the request in our form.
        names: the names of the fields in this request, by ours: errors use them.
        idempotency_key: the customer's key.

    Raises:
        RequestError: as `AsyncIntake.take`. Nothing is recorded.
        MayBeRecorded: an outage came in the middle of the order.
    """
    services: GatewayServices = request.app.state.services
    caller: Caller = request.state.caller
    try:
        return await services.intake.take(order, caller.payer, idempotency_key=idempotency_key)
    except RequestError as error:
        raise renamed(error, names) from None
    except OUTAGES as error:
        text = "the order may be recorded, so do not send it again before you have looked: list your videos first"
        raise MayBeRecorded(text) from error
