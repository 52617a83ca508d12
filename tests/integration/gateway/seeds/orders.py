"""The requests of the seed, and the generations that come of them."""

from typing import Any
from uuid import UUID

from sqlmodel import col, select

from schemas.tables import Generation
from storage.database import Database
from tests.support import eventually

PRINTED: dict[str, Any] = {
    "prompt": "A serene mountain landscape at sunset",
    "settings": {
        "video": {
            "model": "veo-3.1-fast",
            "duration_seconds": 5,
            "aspect_ratio": "9:16",
            "enhance_prompt": True,
            "number_of_videos": 1,
        }
    },
    "customer_id": 123,
    "input_image_url": "https://media.example/first.png",
    "save_to_db": True,
}
"""The request of the seed."""


BODY = b"the bytes of a video"


PRICE = 60


def accepted(database: Database, count: int = 1) -> list[UUID]:
    """The generations that the gateway has accepted, the first one first."""

    def ids() -> list[UUID]:
        with database.transaction() as session:
            newest_first = (col(Generation.created_at).desc(), col(Generation.id).desc())
            return list(session.exec(select(Generation.id).order_by(*newest_first)))

    return eventually(ids, lambda found: len(found) == count)


def plain(**changes: Any) -> dict[str, Any]:
    """A request that names no customer, and does not wait."""
    return {"prompt": "a boat", "settings": {"video": {"poll_timeout_seconds": 0, **changes}}}
