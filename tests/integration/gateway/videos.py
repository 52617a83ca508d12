"""Videos of a customer that a model extends and others change, and the requests of OpenAI's clients."""

from uuid import UUID

import httpx

from schemas.enums import AssetRole, Kind
from schemas.orders import Inputs, Order, Route
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation

PATH = "/openai/v1/videos"
PROMPT = {"prompt": "a paper boat"}
PICTURE = png(16, 16)

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


def a_file(name: str = "a.png", content: bytes = PICTURE) -> tuple[str, bytes, str]:
    return name, content, "image/png"


def form(**fields: str) -> dict[str, tuple[None, str]]:
    """Fields that httpx sends as a form with parts, although there is no file."""
    return {name: (None, value) for name, value in fields.items()}


def refused(answer: httpx.Response) -> tuple[int, str, str | None, str]:
    """The status, and type, parameter and code of the error."""
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error["type"], error["param"], error["code"]
