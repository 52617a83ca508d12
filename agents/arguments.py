"""The arguments of the tools. The JSON schemas that agents see are made from these models."""

from abc import abstractmethod
from typing import Annotated, Any
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from schemas.enums import Kind
from schemas.inputs import generation_url
from schemas.orders import GenerationRequest, IdempotencyKey, Reference
from schemas.variants import MOST, VariantWord

LONGEST_WAIT_SECONDS = 50
"""Clients give up a call after a minute or two, and lose the id of the generation with it."""

_KEPT = "kept in the metadata of the generation, and returned"


def _also(name: str, *others: str) -> AliasChoices:
    """The names of an argument. The first name is in the schema."""
    return AliasChoices(name, *others)


_Ratio = Annotated[
    str | None,
    Field(
        validation_alias=_also("aspect_ratio", "aspectRatio"),
        description="width:height such as 16:9, 9:16 or 1:1, or a word: landscape, portrait or square",
        max_length=20,
    ),
]

_Images = Annotated[
    list[str],
    Field(
        description="input pictures, where the model takes them: https URLs, or generation:ID for an earlier result",
        max_length=14,
    ),
]


class Arguments(BaseModel):
    """The arguments of a tool."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, validate_by_name=True)


class OfGeneration(Arguments):
    """The arguments of a tool about one generation."""

    generation_id: UUID = Field(description="the id that a create tool returned")


class Wait(OfGeneration):
    """The arguments of `wait_for_generation`."""

    seconds: int = Field(
        default=45, description="how long to wait at most; then call the tool again", ge=1, le=LONGEST_WAIT_SECONDS
    )


class ListModels(Arguments):
    """The arguments of `list_models`."""

    kind: Kind | None = Field(default=None, description="only models that make this")


class Order(Arguments):
    """The arguments that all orders and estimates have."""

    prompt: str = Field(
        description="what to make: subject, setting, visual style, light; for a video also motion and camera movement",
        min_length=1,
        max_length=20_000,
    )
    model: str | None = Field(
        default=None,
        description="a name from list_models. Left out: the first model that can do the rest",
        min_length=1,
        max_length=200,
    )
    variants: list[VariantWord] | None = Field(
        default=None,
        description='further files of the result, made after its end at no cost: objects such as {"kind": "web"}. '
        "Once made, each is a link of get_generation. Left out: those of the model; []: none",
        max_length=MOST,
    )

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The fields of the order beside the prompt, the model and the variants."""

    def request(self) -> GenerationRequest:
        """The order, in the form of every door.

        Raises:
            ValidationError: a field has a value that no order has.
        """
        fields = {"prompt": self.prompt, "model": self.model, "variants": self.variants, **self.settings()}
        return GenerationRequest.model_validate({name: value for name, value in fields.items() if value is not None})


class Estimate(Order):
    """The arguments of `estimate`."""

    kind: Kind = Field(description="what to make")
    duration: int | None = Field(default=None, description="seconds of a video, such as 3, 5 or 10", gt=0, le=600)
    aspect_ratio: _Ratio = None
    resolution: str | None = Field(default=None, description="such as 1K or 720p", max_length=20)
    image_urls: _Images = []

    def settings(self) -> dict[str, Any]:
        """The fields of the order beside the prompt, the model and the variants."""
        return {
            "kind": self.kind,
            "duration_seconds": self.duration,
            "aspect_ratio": self.aspect_ratio,
            "resolution": self.resolution,
            "image_urls": self.image_urls,
        }


class Creation(Order):
    """The arguments of every tool that orders."""

    reference: Reference | None = Field(
        default=None, description="your id of the thing that the result is for, such as a node of a canvas"
    )
    canvas_id: str | None = Field(
        default=None, validation_alias=_also("canvas_id", "canvasId"), description=_KEPT, max_length=512
    )
    thread_id: str | None = Field(
        default=None, validation_alias=_also("thread_id", "threadId"), description=_KEPT, max_length=512
    )
    organization_id: str | None = Field(
        default=None, validation_alias=_also("organization_id", "organizationId"), description=_KEPT, max_length=512
    )
    idempotency_key: IdempotencyKey | None = Field(
        default=None,
        description="a text that you choose. The same key and arguments give the same generation: call again with it "
        "where an answer was lost",
    )
    confirm_credits: int | None = Field(
        default=None,
        description="the credits to which the user has agreed. Needed only after an answer that asks for it",
        ge=0,
    )

    def settings(self) -> dict[str, Any]:
        """The fields of the order beside the prompt, the model and the variants."""
        marks = {"canvas_id": self.canvas_id, "thread_id": self.thread_id, "organization_id": self.organization_id}
        return {
            "reference": self.reference,
            "metadata": {name: value for name, value in marks.items() if value},
        }


class GenerateImage(Creation):
    """The arguments of `generate_image`."""

    aspect_ratio: _Ratio = None
    resolution: str | None = Field(default=None, description="such as 1K, 2K or 4K", max_length=20)
    image_urls: _Images = []
    negative_prompt: str | None = Field(default=None, description="what to keep out", max_length=20_000)
    seed: int | None = Field(default=None, description="the same seed and order may give a similar result", ge=0)

    def settings(self) -> dict[str, Any]:
        """The fields of the order beside the prompt, the model and the variants."""
        return {
            **super().settings(),
            "kind": Kind.IMAGE,
            "aspect_ratio": self.aspect_ratio,
            "resolution": self.resolution,
            "image_urls": self.image_urls,
            "negative_prompt": self.negative_prompt,
            "seed": self.seed,
        }


class GenerateVideo(GenerateImage):
    """The arguments of `generate_video`."""

    duration: int | None = Field(
        default=None,
        validation_alias=_also("duration", "duration_seconds", "nFrames", "n_frames"),
        description="seconds: most models take 5 or 10, some 3. Left out: the usual length of the model",
        gt=0,
        le=600,
    )
    resolution: str | None = Field(default=None, description="such as 720p or 1080p", max_length=20)
    generate_audio: bool | None = Field(default=None, description="whether the video has sound")

    def settings(self) -> dict[str, Any]:
        """The fields of the order beside the prompt, the model and the variants."""
        return {
            **super().settings(),
            "kind": Kind.VIDEO,
            "duration_seconds": self.duration,
            "generate_audio": self.generate_audio,
        }


class ExtendVideo(Creation):
    """The arguments of `extend_video`."""

    generation_id: UUID = Field(description="the id of the completed video that goes on")
    model: str | None = Field(
        default=None,
        description="a model of list_models with `extends_videos`. Left out: the cheapest that extends this video",
        min_length=1,
        max_length=200,
    )

    def settings(self) -> dict[str, Any]:
        """The fields of the order beside the prompt, the model and the variants."""
        return {**super().settings(), "kind": Kind.VIDEO, "video_urls": [generation_url(self.generation_id)]}


class _PlainSchema(GenerateJsonSchema):
    """JSON schemas that every client reads: an optional argument is one that may be left out, and has no null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """The schema of the value, without null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The schema with its default, unless the default is null."""
        made = super().default_schema(schema)
        if made.get("default") is None:
            made.pop("default", None)
        return made


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of arguments, without references and alternatives, and without the titles that pydantic adds."""
    made = model.model_json_schema(schema_generator=_PlainSchema)
    plain = _plain(made, made.get("$defs", {}))
    return {"type": "object", **{key: value for key, value in plain.items() if key not in {"description", "$defs"}}}


def _plain(schema: dict[str, Any], defined: dict[str, Any]) -> dict[str, Any]:
    """A schema as every client reads it. The last of several forms stands for all: it says the most."""
    if "anyOf" in schema:
        beside = {key: value for key, value in schema.items() if key != "anyOf"}
        return _plain({**schema["anyOf"][-1], **beside}, defined)
    reference = schema.get("$ref", "")
    whole = {**defined.get(reference.removeprefix("#/$defs/"), {}), **schema}
    kept = {key: value for key, value in whole.items() if key not in {"title", "$ref"}}
    if "properties" in kept:
        kept["properties"] = {name: _plain(entry, defined) for name, entry in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = _plain(kept["items"], defined)
    return kept
