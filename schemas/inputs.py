"""The inputs of a request: URLs, uploads, earlier generations, or `data:` URIs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, HttpUrl, ValidationError

from schemas.enums import Kind
from schemas.names import ProviderName
from schemas.text import name

# The limit of `HttpUrl`, which its error would not name.
_LONGEST_URL = 2083

_UPLOAD = "upload:"
_GENERATION = "generation:"
_DATA = "data:"


def _input_url(text: str) -> str:
    """The canonical spelling of an input. Equal inputs make equal requests.

    `intake.data_uris` reads a `data:` URI: it is no text of a field, and its content may have line breaks.
    """
    text = text.strip()
    if is_data_uri(text):
        return text
    name(text)
    if len(text) > _LONGEST_URL:
        raise ValueError(f"may have up to {_LONGEST_URL} characters: upload the file and name the upload")
    try:
        if text.startswith(_UPLOAD):
            return upload_url(UUID(text.removeprefix(_UPLOAD)))
        if text.startswith(_GENERATION):
            return generation_url(UUID(text.removeprefix(_GENERATION)))
        return str(HttpUrl(text))
    except (ValidationError, ValueError):  # the errors' texts may quote the input
        raise ValueError(
            "must be an http or https URL, upload:ID, generation:ID, or data:TYPE;base64,CONTENT"
        ) from None


InputUrl = Annotated[str, AfterValidator(_input_url), Field(json_schema_extra={"format": "uri"})]


@dataclass(frozen=True)
class Origin:
    """The order that made an earlier generation of the customer."""

    model: str
    """The model's name."""
    provider: ProviderName
    """The provider account that made the generation."""
    resolution: str | None
    """The ordered inputs."""


@dataclass(frozen=True)
class InputFacts:
    """Facts about an input file that are known before a fetch."""

    content_type: str
    """The media type."""
    size_bytes: int
    """The size of the file."""
    origin: Origin | None = None
    """The earlier generation's order. None for uploads."""
    duration_seconds: float | None = None
    """The length of a measured video. None for pictures and unmeasured videos."""


Facts = Mapping[str, InputFacts]
"""Facts about the inputs of a request by URL. Files on other servers have none."""

NOTHING_KNOWN: Facts = MappingProxyType({})


@dataclass(frozen=True)
class InputField:
    """One input of a request or an order."""

    name: str
    """The place in the request, such as "image_urls.0"."""
    kind: Kind
    """The required kind of media."""
    url: str
    """The input's URL."""


def input_fields(image_urls: Iterable[str], video_urls: Iterable[str]) -> Iterator[InputField]:
    """The inputs of a request, pictures first."""
    for list_name, kind, urls in (("image_urls", Kind.IMAGE, image_urls), ("video_urls", Kind.VIDEO, video_urls)):
        for number, url in enumerate(urls):
            yield InputField(f"{list_name}.{number}", kind, url)


def upload_url(upload_id: UUID) -> str:
    """The input URL of an upload."""
    return f"{_UPLOAD}{upload_id}"


def upload_id(url: str) -> UUID | None:
    """The upload of an input URL. None for a URL of another kind."""
    return UUID(url.removeprefix(_UPLOAD)) if url.startswith(_UPLOAD) else None


def generation_url(generation_id: UUID) -> str:
    """The input URL of an earlier generation's result."""
    return f"{_GENERATION}{generation_id}"


def generation_id(url: str) -> UUID | None:
    """The generation of an input URL. None for a URL of another kind."""
    return UUID(url.removeprefix(_GENERATION)) if url.startswith(_GENERATION) else None


def is_ours(url: str) -> bool:
    """Whether the input's file is in our object store."""
    return url.startswith((_UPLOAD, _GENERATION))


def is_data_uri(url: str) -> bool:
    """Whether the input contains its data. Schemes are case-insensitive (RFC 3986, section 3.1)."""
    return url[: len(_DATA)].lower() == _DATA
