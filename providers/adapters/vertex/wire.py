"""The wire of Veo at Vertex AI as data and pure functions: names, fields, states, results, errors.

Source: `google/genai/models.py` and `operations.py` of https://github.com/googleapis/python-genai, unless a line names
another. Models' inputs: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/veo/3-1-generate.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import Field, JsonValue, StringConstraints

from providers.adapters.links import file_links
from providers.adapters.payload import Lenient, Payload, Report, texts
from providers.adapters.results import failed
from providers.adapters.words import no_news
from providers.base import InputFile, RemoteState, RemoteStatus
from schemas.enums import ErrorCode
from schemas.names import ProviderName
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

MODELS: Final = frozenset({"veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001"})
EXTEND: Final = "extend"
"""The suffix of a model's name, after a slash, for extending a video. The inputs then differ."""

BYTES: Final = "bytesBase64Encoded"
"""The JSON member of an image or a video that contains the file."""

VERSION: Final = "/v1"

# google.rpc.Code, https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto. All other codes mean a
# failure of the vendor.
_FAILURES: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    3: (ErrorCode.PROVIDER_REJECTED, "refused it"),
    8: (ErrorCode.PROVIDER_UNAVAILABLE, "had no room for it"),
    14: (ErrorCode.PROVIDER_UNAVAILABLE, "was not there for it"),
}
_OTHER_FAILURE: Final = (ErrorCode.PROVIDER_FAILED, "could not generate it")

# A running operation has no `done`.
_DONE: Final[Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False, "none": False, "": False}

# The name becomes the path of a URL.
_PART: Final = "[A-Za-z0-9][A-Za-z0-9._:@-]*"
OperationName = Annotated[
    str,
    StringConstraints(
        pattern=rf"^projects/{_PART}/locations/{_PART}/publishers/google/models/{_PART}/operations/{_PART}$",
        max_length=500,
    ),
]
_GCS_URI: Final = re.compile(r"gs://[a-z0-9][a-z0-9._-]+(/[^\s\x00-\x1f]*)?")
GcsUri = Annotated[str, StringConstraints(pattern=rf"^{_GCS_URI.pattern}$")]


class Created(Payload):
    """The answer to a create."""

    name: OperationName


class Operation(Report):
    """A long-running operation, in the answer to a read. A running operation has only a name."""

    members = frozenset({"name", "done", "response", "error"})

    name: Lenient[OperationName] = None
    done: JsonValue = None
    response: JsonValue = None
    error: JsonValue = None


class _Video(Payload):
    gcs_uri: JsonValue = Field(default=None, alias="gcsUri")
    uri: JsonValue = None
    content: Lenient[str] = Field(default=None, alias=BYTES)


class _Response(Payload):
    """The result of an operation. The safety filter can remove some or all videos."""

    videos: Lenient[list[Lenient[_Video]]] = None
    filtered: Lenient[int] = Field(default=None, alias="raiMediaFilteredCount")
    reasons: JsonValue = Field(default=None, alias="raiMediaFilteredReasons")


class _Held(Payload):
    response: Lenient[_Response] = None


class ErrorBody(Payload):
    """The `error` of an operation (`code` is Google's) or of a refused call (`code` is the HTTP status)."""

    code: Lenient[int] = None
    message: str = ""

    @classmethod
    def of(cls, error: JsonValue) -> "ErrorBody":
        """The content of an `error` that can also be a text or a list."""
        return cls(code=error.get("code") if isinstance(error, dict) else None, message="; ".join(texts(error)))


class Refusal(Payload):
    """An error (https://cloud.google.com/apis/design/errors)."""

    error: JsonValue


def host_of(location: str) -> str:
    """The base URL of a location's API. Source: `google/genai/_api_client.py`."""
    match location:
        case "global":
            return "https://aiplatform.googleapis.com"
        case "us" | "eu":
            return f"https://aiplatform.{location}.rep.googleapis.com"
        case _:
            return f"https://{location}-aiplatform.googleapis.com"


def location_path(project: str, location: str) -> str:
    """The path of a project at a location."""
    return f"{VERSION}/projects/{project}/locations/{location}"


def create_path(project: str, location: str, model: str) -> str:
    """The path of a create."""
    name = model.partition("/")[0]
    return f"{location_path(project, location)}/publishers/google/models/{name}:predictLongRunning"


def read_path(operation_name: str) -> str:
    """The path for reading an operation, below its model."""
    return f"{VERSION}/{operation_name.rpartition('/operations/')[0]}:fetchPredictOperation"


def read_body(operation_name: str) -> dict[str, object]:
    """The body of a read."""
    return {"operationName": operation_name}


def bucket_of(gcs_uri: str) -> str:
    """The bucket of a `gs://` URI."""
    return gcs_uri.removeprefix("gs://").partition("/")[0]


def object_url(storage_url: str, gcs_uri: str) -> str:
    """The URL of an object's bytes: https://cloud.google.com/storage/docs/json_api/v1/objects/get."""
    name = gcs_uri.removeprefix("gs://").partition("/")[2]
    return f"{storage_url}/storage/v1/b/{bucket_of(gcs_uri)}/o/{quote(name, safe='')}?alt=media"


def to_body(
    model: str, inputs: Inputs, files: Mapping[str, InputFile], *, storage_uri: str | None
) -> dict[str, object]:
    """The body of a create. `storage_uri` is the prefix for the video; None: the answer contains the video.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    name, _, feature = model.partition("/")
    if name not in MODELS or feature not in {"", EXTEND}:
        raise ProviderRejected(f"vertex's model {model} is not served any more")
    instance: dict[str, object] = {"prompt": inputs.prompt}
    if feature == EXTEND:
        instance["video"] = _media(files, inputs.video_urls[0])
    else:
        frames = zip(("image", "lastFrame"), inputs.image_urls, strict=False)
        instance |= {frame: _media(files, url) for frame, url in frames}
    # `enhancePrompt` is omitted: "Veo 3 prompt enhancement cannot be disabled", says Vertex.
    parameters = {
        "sampleCount": 1,
        "durationSeconds": inputs.duration_seconds,
        "aspectRatio": inputs.aspect_ratio,
        "resolution": inputs.resolution,
        "generateAudio": inputs.audio,
        "seed": inputs.seed,
        "negativePrompt": inputs.negative_prompt,
        "storageUri": storage_uri,
    }
    given = {field: value for field, value in parameters.items() if value is not None}
    return {"instances": [instance], "parameters": given}


def _media(files: Mapping[str, InputFile], url: str) -> dict[str, object]:
    file = files[url]
    return {BYTES: base64.b64encode(file.content).decode(), "mimeType": file.content_type}


def to_state(provider: ProviderName, operation: Operation, *, inline_link: str) -> RemoteState:
    """The state of an operation. `inline_link` is the link for a video in the answer.

    An operation has an `error` or a `response` only after its end
    (https://github.com/googleapis/googleapis/blob/master/google/longrunning/operations.proto).
    """
    if operation.error:
        return _failed(provider, operation.error)
    is_done = _DONE.get(str(operation.done).casefold())
    if is_done or (operation.done is None and operation.response):
        return _ended(provider, operation.response, inline_link)
    return no_news(operation.done) if is_done is None else RemoteState(RemoteStatus.RUNNING)


def _failed(provider: ProviderName, error: JsonValue) -> RemoteState:
    body = ErrorBody.of(error)
    meaning, text = _FAILURES.get(body.code or 0, _OTHER_FAILURE)
    return failed(f"{provider} {text}: {body.message or 'no reason given'}", meaning)


def _ended(provider: ProviderName, response: JsonValue, inline_link: str) -> RemoteState:
    ended = _Held.model_validate({"response": response}).response or _Response()
    links = [link for video in ended.videos or [] if video is not None for link in _links(video, inline_link)]
    if links:
        return RemoteState(RemoteStatus.SUCCEEDED, result_urls=links)
    if ended.filtered or ended.reasons:
        reasons = " ".join(texts(ended.reasons)) or "no reason given"
        message = f"{provider}'s safety filter took it away: {reasons}"
        return failed(message, ErrorCode.CONTENT_REJECTED)
    return failed(f"{provider} reported success without a result")


def _links(video: _Video, inline_link: str) -> Iterator[str]:
    links = [link for place in (video.gcs_uri, video.uri) for link in (*_objects(place), *file_links(place))]
    if links:
        yield links[0]
    elif video.content is not None:
        yield inline_link


def _objects(place: JsonValue) -> list[str]:
    """The URI of an object in Cloud Storage."""
    return [place] if isinstance(place, str) and _GCS_URI.fullmatch(place) else []
