"""OpenAI's wire for videos, as data and pure functions: fields, states, errors.

Source: `resources/videos.py` and `types/video*.py` of https://github.com/openai/openai-python, unless a line names
another. `providers/adapters/openai_wire.py` has the parts that OpenAI's APIs share.
"""

import base64
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field, JsonValue, StringConstraints, TypeAdapter, ValidationError

from providers.adapters.openai_wire import MODERATION_CODE, ErrorBody, Payload
from providers.base import RemoteState, RemoteStatus
from providers.http.redaction import quotable
from schemas.enums import ErrorCode
from schemas.errors import ProviderBadResponse, ProviderRejected
from schemas.names import ProviderName
from schemas.orders import Inputs

# `size` is width x height, landscape or portrait. The larger sizes are for `sora-2-pro`:
# https://developers.openai.com/api/docs/guides/video-generation
SIZES: Final[Mapping[tuple[str | None, str | None], str]] = {
    ("720p", "16:9"): "1280x720",
    ("720p", "9:16"): "720x1280",
    ("1080p", "16:9"): "1920x1080",
    ("1080p", "9:16"): "1080x1920",
}

# The id becomes part of a URL's path.
VideoId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._~=-]{0,499}$")]
_PERCENTAGE: Final = TypeAdapter(Annotated[float, Field(ge=0, le=100, strict=True)])


class Video(Payload):
    """The answer to a create and to a read."""

    id: VideoId
    status: str
    progress: JsonValue = None
    error: JsonValue = None

    @property
    def fraction(self) -> float | None:
        """The progress as a fraction, if the gateway returns a number from 0 to 100, as the API specifies."""
        try:
            return _PERCENTAGE.validate_python(self.progress) / 100
        except ValidationError:
            return None


def original_id(video_id: str) -> str:
    """The upstream's id, unwrapped if LiteLLM's proxy has wrapped it into base64. The wrapping differs between calls.

    In the answer to a create, the wrapped id also contains the model; in the answer to a read, it does not. Source:
    `types/videos/utils.py` and `llms/openai/videos/transformation.py` of https://github.com/BerriAI/litellm.
    """
    try:
        wrapped = base64.b64decode(video_id.removeprefix("video_"), validate=True).decode()
    except ValueError:
        return video_id
    return wrapped.rpartition(";video_id:")[2] if wrapped.startswith("litellm:") else video_id


def to_form(model: str, inputs: Inputs) -> dict[str, str]:
    """The form fields of a create. All are text.

    Raises:
        ProviderRejected: this version no longer supports the size of an old order.
    """
    size = SIZES.get((inputs.resolution, inputs.aspect_ratio))
    if size is None:
        raise ProviderRejected(f"openai_videos makes no video of {inputs.resolution} and {inputs.aspect_ratio}")
    form = {"model": model, "prompt": inputs.prompt, "size": size}
    if inputs.duration_seconds is not None:
        form["seconds"] = str(inputs.duration_seconds)
    return form


def to_state(provider: ProviderName, video: Video, *, content_url: str) -> RemoteState:
    """The state of a video. `content_url` is the URL of a completed video's bytes.

    Raises:
        ProviderBadResponse: the wire has no such status.
    """
    match video.status:
        case "queued":
            return RemoteState(RemoteStatus.QUEUED, progress=video.fraction)
        case "in_progress":
            return RemoteState(RemoteStatus.RUNNING, progress=video.fraction)
        case "completed":
            return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[content_url])
        case "failed":
            return _failed(provider, video.error)
        case _:
            raise ProviderBadResponse(f"{provider} reported a state that it does not document")


def _failed(provider: ProviderName, error: JsonValue) -> RemoteState:
    try:
        body = ErrorBody.model_validate(error)
    except ValidationError:
        body = ErrorBody()
    is_moderation = body.code == MODERATION_CODE
    return RemoteState(
        RemoteStatus.FAILED,
        error_code=ErrorCode.CONTENT_REJECTED if is_moderation else ErrorCode.PROVIDER_FAILED,
        error_message=f"{provider} could not generate it: {quotable(body.message or 'no reason given')}",
    )
