"""The ids of videos in OpenAI's dialect: `video_` and the 32 digits of the generation's UUID."""

import re
from typing import Annotated, Final
from uuid import UUID

from fastapi import Path

from schemas.errors import NotFound
from schemas.text import shown

VIDEOS: Final = "/openai/v1/videos"
"""The path of all videos."""

_PREFIX: Final = "video_"
_UUID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

VideoId = Annotated[
    str,
    Path(
        description="the `id` of a video; the plain UUID of the generation is taken, too",
        examples=["video_3e41a28d5bf940cea038dc975dda27ad"],
        max_length=200,
    ),
]
"""The id in a path."""


def id_of_video(generation_id: UUID) -> str:
    """The id of a generation's video."""
    return f"{_PREFIX}{generation_id.hex}"


def parsed(text: str) -> UUID | None:
    """The generation of an id. None for a text that is no id."""
    plain = text.removeprefix(_PREFIX)
    return UUID(plain) if _UUID.fullmatch(plain) else None


def generation_of(text: str) -> UUID:
    """The generation of an id.

    Raises:
        NotFound: the text is no id.
    """
    found = parsed(text)
    if found is None:
        raise NotFound(f"you have no video `{shown(text)}`: an id is video_ and 32 digits, as answers have it")
    return found
