"""OpenAI's wire for videos, as data and pure functions: fields, states, errors.

Source: `resources/videos.py` and `types/video*.py` of https://github.com/openai/openai-python, unless a line names
another. `providers/adapters/openai_wire.py` has the parts that OpenAI's APIs share.
"""

import base64
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import JsonValue, StringConstraints

from providers.adapters.links import file_links
from providers.adapters.openai_wire import MODERATION_CODES, ErrorBody
from providers.adapters.payload import Lenient, Payload, Report, fraction
from providers.adapters.results import failed, finished
from providers.adapters.words import no_news, read_status
from providers.base import RemoteState, RemoteStatus
from schemas.enums import ErrorCode
from schemas.names import ProviderName
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

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

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "queued": RemoteStatus.QUEUED,
    "in_progress": RemoteStatus.RUNNING,
    # LiteLLM's proxy, for models of Google: `llms/vertex_ai/videos/transformation.py`.
    "processing": RemoteStatus.RUNNING,
    "completed": RemoteStatus.SUCCEEDED,
    "failed": RemoteStatus.FAILED,
}


class Created(Payload):
    """The answer to a create."""

    id: VideoId


class Video(Report):
    """The answer to a read.

    With cloud storage, SGLang returns the link in `url` and does not serve `/content`
    (`entrypoints/openai/video_api.py` of https://github.com/sgl-project/sglang). Other gateways name the link
    `video_url`.
    """

    id: Lenient[VideoId] = None
    status: JsonValue = None
    progress: JsonValue = None
    error: JsonValue = None
    url: JsonValue = None
    video_url: JsonValue = None


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
    """The state of a video. `content_url` is the URL of a completed video's bytes, unless the answer has a link."""
    match read_status(video.status, STATUSES):
        case RemoteStatus.SUCCEEDED:
            named = (link for link in (video.url, video.video_url) if file_links(link, or_paths=True))
            return finished(provider, next(named, content_url), or_paths=True)
        case RemoteStatus.FAILED:
            return _failed(provider, video.error)
        case RemoteStatus.UNKNOWN:
            return no_news(video.status)
        case status:
            return RemoteState(status, progress=fraction(video.progress, whole=100))


def _failed(provider: ProviderName, error: JsonValue) -> RemoteState:
    body = ErrorBody.of(error)
    code = ErrorCode.CONTENT_REJECTED if body.code in MODERATION_CODES else ErrorCode.PROVIDER_FAILED
    return failed(f"{provider} could not generate it: {body.message or 'no reason given'}", code)
