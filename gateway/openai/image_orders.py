"""The fields of OpenAI's image operations, and the order that they make."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gateway.renamed import renamed
from providers.catalogue.fitting import Change
from schemas.enums import Kind
from schemas.limits import PriorityWord
from schemas.orders import LARGEST_SEED, LONGEST_START_SECONDS, GenerationRequest, OptionalWholeNumber
from schemas.refusals import Place, refusal
from schemas.text import Name, OptionalName, OptionalProse, Prose
from schemas.webhook_urls import EndpointUrl

MOST_IMAGES: Final = 10
"""The most results of one request, as OpenAI has it."""

_SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")

_AUTO = "auto"
_USER = "user"

_SERVED: Final[Mapping[str, frozenset[object]]] = {
    "quality": frozenset({_AUTO, "standard"}),
    "background": frozenset({_AUTO, "opaque"}),
    "output_compression": frozenset({100}),
    "moderation": frozenset({_AUTO}),
    "partial_images": frozenset({0}),
    "input_fidelity": frozenset({_AUTO}),
    "complexity": frozenset({_AUTO}),
}
"""The fields that no model of ours takes, with the values that change nothing."""

_STYLES_OF_OPENAI = frozenset({"vivid", "natural"})


def _pixels(size: str) -> str:
    if size != _AUTO and not _SIZE.fullmatch(size):
        raise ValueError("must be WIDTHxHEIGHT in pixels, such as 1024x1024, or auto")
    return size


def _not_streamed(stream: bool) -> bool:
    if stream:
        raise ValueError("must be false: the images come in one answer")
    return stream


class ImageFields(BaseModel):
    """The fields of both image operations. Null means that a field is left out."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"model": "nano-banana", "prompt": "a lighthouse in fog", "size": "1536x1024", "n": 1}]
        },
    )

    prompt: Prose = Field(description="what to make", min_length=1, max_length=20_000)
    model: OptionalName = Field(
        default=None, description="a name from GET /v1/models; left out: the first that can", max_length=200
    )
    n: OptionalWholeNumber = Field(default=None, description="the number of images", ge=1, le=MOST_IMAGES)
    size: Annotated[str, AfterValidator(_pixels)] | None = Field(
        default=None, description="`auto` or WIDTHxHEIGHT; the nearest size of the model is taken", max_length=20
    )
    quality: OptionalName = Field(default=None, description="taken, and not used", max_length=20)
    background: OptionalName = Field(default=None, description="taken, and not used: opaque", max_length=20)
    output_format: OptionalName = Field(
        default=None, description="`png` or `jpeg`; the nearest format of the model is taken", max_length=20
    )
    output_compression: OptionalWholeNumber = Field(default=None, description="taken, and not used", ge=0, le=100)
    response_format: Literal["b64_json", "url"] | None = Field(
        default=None, description="`b64_json`, the default; `url`: links that work without a key"
    )
    moderation: OptionalName = Field(default=None, description="taken, and not used", max_length=20)
    style: OptionalName = Field(
        default=None, description="a look from GET /v1/models; `vivid` and `natural` are not used", max_length=200
    )
    user: OptionalName = Field(default=None, description="the end user; kept as metadata", max_length=512)
    safety_identifier: OptionalName = Field(default=None, description="goes before `user`", max_length=512)
    stream: Annotated[bool, AfterValidator(_not_streamed)] | None = Field(default=None, description="must be false")
    partial_images: OptionalWholeNumber = Field(default=None, description="taken, and not used", ge=0, le=3)
    complexity: OptionalName = Field(default=None, description="taken, and not used", max_length=20)
    aspect_ratio: OptionalName = Field(default=None, description='in place of `size`: "16:9"', max_length=20)
    resolution: OptionalName = Field(default=None, description='in place of `size`: "2K"', max_length=20)
    negative_prompt: OptionalProse = Field(
        default=None, description="what to keep out", min_length=1, max_length=20_000
    )
    seed: OptionalWholeNumber = Field(default=None, description="for a similar result", ge=0, le=LARGEST_SEED)
    metadata: dict[Name, Prose] | None = Field(
        default=None, description="kept with the generation; up to 15 entries", max_length=15
    )
    callback_url: EndpointUrl | None = Field(
        default=None, description="where a signed message goes when each image ends; https"
    )

    priority: PriorityWord | None = Field(default=None, description="as in POST /v1/generations")
    start_within: OptionalWholeNumber = Field(
        default=None, description="as in POST /v1/generations", ge=1, le=LONGEST_START_SECONDS
    )

    def as_sent(self) -> dict[str, object]:
        """The fields that the request has, in values of JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


@dataclass(frozen=True)
class ImageOrder:
    """An order of images, from the fields of this dialect."""

    request: GenerationRequest
    """The request in our form."""
    names: Mapping[str, str]
    """This dialect's names of the fields, by ours."""
    ignored: Sequence[Change]
    """The fields that are taken and not used."""
    size: str | None
    """The size that was asked for. None: any."""
    wants_links: bool
    """Whether the answer has links in place of the images."""


def image_order(fields: ImageFields, images: Sequence[str] = ()) -> ImageOrder:
    """The order that the fields make.

    Args:
        images: the inputs, as `GenerationRequest.image_urls` takes them.

    Raises:
        InvalidRequest: the values make no request.
    """
    size = None if fields.size == _AUTO else fields.size
    names = {"number_of_outputs": "n", "image_urls": "image", "kind": "model"}
    if size is not None:
        names |= {"aspect_ratio": "size", "resolution": "size"}
    values = {name: value for name, value in _values(fields, size, images).items() if value is not None}
    try:
        request = GenerationRequest(**values)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        wrong = refusal(problems, lambda location: Place(location, GenerationRequest, "body"))
        raise renamed(wrong, names) from None
    return ImageOrder(request, names, list(_ignored(fields)), size, fields.response_format == "url")


def _values(fields: ImageFields, size: str | None, images: Sequence[str]) -> dict[str, Any]:
    user = fields.safety_identifier or fields.user
    return {
        "kind": Kind.IMAGE,
        "model": fields.model,
        "prompt": fields.prompt,
        "negative_prompt": fields.negative_prompt,
        "style": None if fields.style in _STYLES_OF_OPENAI else fields.style,
        "image_urls": list(images),
        "aspect_ratio": fields.aspect_ratio or (size and _shape(size)),
        "resolution": fields.resolution or size,
        "seed": fields.seed,
        "output_format": fields.output_format,
        "number_of_outputs": fields.n,
        "metadata": {**({_USER: user} if user else {}), **(fields.metadata or {})},
        "callback_url": fields.callback_url,
        "priority": fields.priority,
        "start_within": fields.start_within,
    }


def _shape(size: str) -> str:
    width, height = map(int, size.split("x"))
    shape = Fraction(width, height)
    return f"{shape.numerator}:{shape.denominator}"


def _ignored(fields: ImageFields) -> Iterator[Change]:
    for name, served in _SERVED.items():
        asked = getattr(fields, name, None)
        if asked is not None and asked not in served:
            yield Change(name, str(asked), None)
    if fields.style in _STYLES_OF_OPENAI:
        yield Change("style", str(fields.style), None)
