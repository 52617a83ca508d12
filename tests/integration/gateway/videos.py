"""Videos of a customer that a model extends and others change."""

from uuid import UUID

from schemas.enums import AssetRole, Kind
from schemas.orders import Inputs, Order, Route
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.support import NewCustomer, a_generation

ORDER = Order(
    kind=Kind.VIDEO,
    model="veo-3-fast",
    routes=[Route(provider="kie", model="veo3_fast")],
    inputs=Inputs(prompt="a boat", aspect_ratio="16:9", resolution="720p", duration_seconds=8),
    credits=60,
    file_extension="mp4",
)


def a_video(customer: NewCustomer, database: Database, settings: Settings) -> UUID:
    """An accepted video."""
    return a_generation(database, settings, customer, ORDER)


def a_made_video(customer: NewCustomer, database: Database, settings: Settings, objects: ObjectStore) -> UUID:
    """A completed video of 6 seconds, with a still picture."""
    generation_id = a_video(customer, database, settings)
    complete_as_video(database, settings, objects, generation_id)
    return generation_id


def complete_as_video(database: Database, settings: Settings, objects: ObjectStore, generation_id: UUID) -> None:
    """Complete a video."""
    complete(database, settings, objects, generation_id, b"a short film", poster=True)
    with database.statement() as sql:
        sql.run(
            "UPDATE assets SET content_type = 'video/mp4', duration_seconds = 6.04, frame_rate = 24 "
            "WHERE generation_id = %(id)s AND role = %(role)s",
            id=generation_id,
            role=AssetRole.RESULT.value,
        )
