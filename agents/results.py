"""The results of the tools, as data beside their text."""

from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from agents.service import part_of_variant
from schemas.api import GenerationResource
from schemas.enums import Kind, Status
from schemas.estimate_api import EstimateResource
from schemas.variant_api import VariantResource
from schemas.variants import FilePart, VariantKind, VariantOrigin, VariantState


class VariantSummary(BaseModel):
    """A further file of a result, in the words of the tools."""

    name: str
    """The name."""
    kind: VariantKind
    """The kind."""
    state: VariantState = Field(description="`pending` until it is made, which is after the end of the generation")
    problem: str | None = Field(default=None, description="the reason why it was not made")
    uri: str | None = Field(default=None, description="the resource of its media, once it is ready")
    content_type: str | None = Field(default=None, description="of its media; null where the result itself serves")
    size_bytes: int | None = Field(default=None, description="of its media; null where the result itself serves")

    @classmethod
    def of(cls, generation_id: UUID, found: VariantResource) -> Self:
        """The variant of a generation of the API."""
        media = next((file for file in found.files if file.part is FilePart.MEDIA), None)
        part = "content" if found.origin is VariantOrigin.ORIGINAL else part_of_variant(found.name)
        return cls(
            name=found.name,
            kind=found.kind,
            state=found.state,
            problem=found.error.message if found.error else None,
            uri=resource_uri(generation_id, part) if found.content else None,
            content_type=media.content_type if media else None,
            size_bytes=media.size_bytes if media else None,
        )


class GenerationState(BaseModel):
    """A generation, in the words of the tools."""

    generation_id: UUID
    """The id."""
    status: Status
    """queued, processing, completed, failed or cancelled."""
    stage: str
    """The step within the status."""
    progress: int = Field(description="percent, never goes back")
    kind: Kind
    """Image or video."""
    model: str
    """The model that serves."""
    credits: int = Field(description="the price")
    charged: bool = Field(description="whether the credits were taken")
    problem: str | None = Field(default=None, description="the reason of an end without a result")
    result_uri: str | None = Field(default=None, description="the resource of the result, once it is stored")
    thumbnail_uri: str | None = Field(default=None, description="the resource of a still picture of the result")
    variants: list[VariantSummary] = Field(default=[], description="further files of the result, if any were ordered")
    reference: str | None = None
    """Your id of the thing that the result is for."""
    metadata: dict[str, str] = {}
    """The entries of the order."""

    @classmethod
    def of(cls, found: GenerationResource) -> Self:
        """The state of a generation of the API."""
        problem = found.outcome.message if found.outcome else found.error.message if found.error else None
        return cls(
            generation_id=found.id,
            status=found.status,
            stage=found.stage,
            progress=found.progress,
            kind=found.kind,
            model=found.model,
            credits=found.credits.price,
            charged=found.credits.captured > 0,
            problem=problem,
            result_uri=resource_uri(found.id, "content") if found.links.content else None,
            thumbnail_uri=resource_uri(found.id, "thumbnail") if found.links.thumbnail else None,
            variants=[VariantSummary.of(found.id, variant) for variant in found.variants],
            reference=found.reference,
            metadata=found.metadata,
        )


class ModelChoice(BaseModel):
    """A model that can be ordered."""

    name: str
    """The value of `model`."""
    kind: Kind
    """Image or video."""
    description: str
    """The result."""
    good_for: str | None = None
    """The use."""
    quality: str | None = None
    """Beside other models of the kind."""
    speed: str | None = None
    """Beside other models of the kind."""
    durations: list[int] = Field(default=[], description="the lengths in seconds; empty: any, or no video")
    aspect_ratios: list[str] = []
    """The aspect ratios."""
    resolutions: list[str] = []
    """The resolutions."""
    pictures: str = Field(description="how many input pictures it takes")
    extends_videos: bool = Field(default=False, description="whether extend_video can use it")
    price: str = Field(description="in credits; estimate tells the price of an order")

    @classmethod
    def of(cls, card: Mapping[str, Any]) -> Self:
        """The choice for a model of `/v1/models`."""
        able, price = card["capabilities"], card["price"]
        return cls(
            name=card["name"],
            kind=card["kind"],
            description=card["description"],
            good_for=card.get("good_for"),
            quality=card.get("quality"),
            speed=card.get("speed"),
            durations=able.get("durations_seconds") or [],
            aspect_ratios=able.get("aspect_ratios") or [],
            resolutions=able.get("resolutions") or [],
            pictures=f"{able.get('min_images', 0)} to {able.get('max_images', 0)}",
            extends_videos=able.get("continues_video", False),
            price=f"{price['credits']} a {price['per']}",
        )


class ModelChoices(BaseModel):
    """The models that can be ordered."""

    models: list[ModelChoice]
    """The models, in the order of the catalogue."""


class Cost(BaseModel):
    """The price of an order, before the order."""

    model: str
    """The model that would serve."""
    credits: int
    """The price."""
    usual_seconds: float | None = Field(default=None, description="half of the recent results took no longer")
    others: dict[str, int] = Field(default={}, description="the prices of other models that could make the same")

    @classmethod
    def of(cls, found: EstimateResource) -> Self:
        """The cost by an estimate of the API."""
        others = {one.model: one.credits for one in found.models if one.model != found.model}
        usual = found.usual_seconds and found.usual_seconds.p50
        return cls(model=found.model, credits=found.credits, usual_seconds=usual, others=others)


def resource_uri(generation_id: UUID, part: str) -> str:
    """The URI of a file of a generation: its `content`, its `thumbnail`, or a variant."""
    return f"reelworks://generations/{generation_id}/{part}"
