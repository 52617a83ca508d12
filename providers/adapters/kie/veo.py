"""Google's Veo 3.1 behind a Kie account, in a wire of its own. Source: https://docs.kie.ai/veo3-api.

`/api/v1/veo/extend` is not spoken: it goes by the task of an earlier generation, and an order names none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, JsonValue
from pydantic_core import from_json

from providers.adapters.kie.wire import (
    Answer,
    Family,
    Payload,
    ResultUrl,
    failed,
    not_served,
    succeeded,
    undocumented_state,
)
from providers.base import RemoteState, RemoteStatus
from schemas.orders import Inputs


@dataclass(frozen=True)
class _Mode:
    """A model of Kie's, and what it makes of pictures. Without one it makes a video of the text alone."""

    model: str
    of_pictures: str


_FRAMES: Final = "FIRST_AND_LAST_FRAMES_2_VIDEO"
_REFERENCES: Final = "REFERENCE_2_VIDEO"

# By the model of a route.
MODES: Final[Mapping[str, _Mode]] = {
    "veo/veo3": _Mode("veo3", _FRAMES),
    "veo/veo3_fast": _Mode("veo3_fast", _FRAMES),
    "veo/veo3_fast/reference": _Mode("veo3_fast", _REFERENCES),
    "veo/veo3_lite": _Mode("veo3_lite", _FRAMES),
    "veo/veo3_lite/reference": _Mode("veo3_lite", _REFERENCES),
}


def _listed(links: JsonValue) -> JsonValue:
    """Links as a list: Kie's pages show a list, and a string that holds one, with and without quotation marks."""
    if not isinstance(links, str):
        return links
    try:
        listed: JsonValue = from_json(links)
    except ValueError:
        bare = links.strip().removeprefix("[").removesuffix("]")
        # A comma may be a part of a link.
        return [link.strip() for link in re.split(r",(?=\s*https?://)", bare) if link.strip()]
    return listed


class _Response(Payload):
    urls: Annotated[list[ResultUrl] | None, BeforeValidator(_listed)] = Field(default=None, alias="resultUrls")


class Record(Payload):
    """`data` of a status read. `response` is there once the task has succeeded."""

    flag: int | str = Field(alias="successFlag")
    response: _Response | None = None
    error_code: str | int | None = Field(default=None, alias="errorCode")
    error_message: str | None = Field(default=None, alias="errorMessage")


def to_body(model: str, inputs: Inputs) -> dict[str, object]:
    """The body of a create.

    Raises:
        ProviderRejected: an old order for a model that this version does not speak.
    """
    mode = MODES.get(model)
    if mode is None:
        raise not_served(model)
    body: dict[str, object] = {
        "model": mode.model,
        "prompt": inputs.prompt,
        "aspectRatio": inputs.aspect_ratio,
        "resolution": inputs.resolution,
        "duration": inputs.duration_seconds,
    }
    if not inputs.image_urls:
        return {**body, "generationType": "TEXT_2_VIDEO"}
    return {**body, "generationType": mode.of_pictures, "imageUrls": inputs.image_urls}


def to_state(answer: Answer) -> RemoteState:
    """The state of a task. Kie has no word for one that waits, and tells no price.

    Raises:
        ProviderBadResponse: a flag that Kie does not document.
        ValidationError: a record of another form.
    """
    record = Record.model_validate(answer.data)
    match record.flag:
        case 0:
            return RemoteState(RemoteStatus.RUNNING)
        case 1:
            return succeeded(record.response.urls if record.response else None)
        case 2 | 3:
            return failed(record.error_code, record.error_message or answer.text)
        case _:
            raise undocumented_state()


VEO: Final = Family(
    create_path="/api/v1/veo/generate",
    status_path="/api/v1/veo/record-info",
    failure_codes=frozenset({400, 422, 500, 501}),
    to_body=to_body,
    to_state=to_state,
)
