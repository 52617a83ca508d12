"""The results of the tools, as data beside their text."""

from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from schemas.api import GenerationResource
from schemas.enums import Kind, Status
from schemas.estimate_api import EstimateResource


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
    """The URI of a file of a generation: its `content`, or its `thumbnail`."""
    return f"reelworks://generations/{generation_id}/{part}"
