"""How a request names its inputs: by URLs, as uploads or earlier generations, or by their bytes in `data:` URIs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, HttpUrl, ValidationError

from schemas.enums import Kind
from schemas.names import ProviderName

_UPLOAD = "upload:"
_GENERATION = "generation:"
_DATA = "data:"


def _input_url(text: str) -> str:
    """The one spelling of an input: what is the same, is the same request."""
    try:
        if text.startswith(_UPLOAD):
            return upload_url(UUID(text.removeprefix(_UPLOAD)))
        if text.startswith(_GENERATION):
            return generation_url(UUID(text.removeprefix(_GENERATION)))
        return text if is_data_uri(text) else str(HttpUrl(text))
    except (ValidationError, ValueError):  # their texts may quote it
        text = "must be an http or https URL, upload:ID, generation:ID, or data:TYPE;base64,CONTENT"
        raise ValueError(text) from None


InputUrl = Annotated[str, AfterValidator(_input_url), Field(json_schema_extra={"format": "uri"})]


@dataclass(frozen=True)
class Origin:
    """How an earlier generation of the customer's was made."""

    model: str
    provider: ProviderName
    """The account that made it."""
    resolution: str | None
    """As ordered."""


@dataclass(frozen=True)
class InputFacts:
    """What is known of an input file before anybody fetches it."""

    content_type: str
    size_bytes: int
    origin: Origin | None = None
    """Of a file that we made."""
    duration_seconds: float | None = None
    """Of a video whose length was measured."""


Facts = Mapping[str, InputFacts]
"""What is known of the inputs of a request, by their URLs; of a file elsewhere nothing is."""

NOTHING_KNOWN: Facts = MappingProxyType({})


@dataclass(frozen=True)
class InputField:
    """One input of a request or an order: its place ("image_urls.0"), what it should be, and its URL."""

    name: str
    kind: Kind
    url: str


def input_fields(image_urls: Iterable[str], video_urls: Iterable[str]) -> Iterator[InputField]:
    """The inputs of a request, the pictures first."""
    for list_name, kind, urls in (("image_urls", Kind.IMAGE, image_urls), ("video_urls", Kind.VIDEO, video_urls)):
        for number, url in enumerate(urls):
            yield InputField(f"{list_name}.{number}", kind, url)


def upload_url(upload_id: UUID) -> str:
    """What stands for an upload among the inputs of a request."""
    return f"{_UPLOAD}{upload_id}"


def upload_id(url: str) -> UUID | None:
    """The upload that an input names; None for a URL of another kind."""
    return UUID(url.removeprefix(_UPLOAD)) if url.startswith(_UPLOAD) else None


def generation_url(generation_id: UUID) -> str:
    """What stands for the result of an earlier generation among the inputs of a request."""
    return f"{_GENERATION}{generation_id}"


def generation_id(url: str) -> UUID | None:
    """The generation that an input names; None for a URL of another kind."""
    return UUID(url.removeprefix(_GENERATION)) if url.startswith(_GENERATION) else None


def is_ours(url: str) -> bool:
    """Whether an input's file is in our object store: nobody has to look for it on the web."""
    return url.startswith((_UPLOAD, _GENERATION))


def is_data_uri(url: str) -> bool:
    """Whether an input is its content. Schemes are spelt in either case (RFC 3986, section 3.1)."""
    return url[: len(_DATA)].lower() == _DATA
