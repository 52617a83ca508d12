"""Finds a customer's video by its id in this dialect."""

from uuid import UUID

from gateway.dependencies import GatewayServices
from gateway.openai.video_ids import generation_of
from schemas.enums import Kind
from schemas.errors import NotFound
from schemas.text import shown
from storage import details
from storage.customers import ActingCustomer
from storage.details import Details


async def find_video(text: str, services: GatewayServices, customer: ActingCustomer) -> Details:
    """A customer's video.

    Raises:
        NotFound: the customer has no such video.
    """
    generation_id = generation_of(text)
    found = await services.loop_database.transaction(
        lambda session: details.find(session, generation_id, customer_id=customer.id)
    )
    return _required(found, text)


def require_video(text: str, services: GatewayServices, customer: ActingCustomer) -> UUID:
    """The generation of a customer's video. Blocks meanwhile.

    Raises:
        NotFound: the customer has no such video.
    """
    generation_id = generation_of(text)
    with services.database.transaction() as session:
        found = details.find(session, generation_id, customer_id=customer.id)
    return _required(found, text).generation.id


def _required(found: Details | None, text: str) -> Details:
    if found is None or found.generation.kind is not Kind.VIDEO:
        raise NotFound(f"you have no video `{shown(text)}`")
    return found
