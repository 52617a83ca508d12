"""A model as customers see it: `GET /v1/models` and `reelworks models` show cards."""

from collections.abc import Iterable
from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, Field

from providers.catalogue.capabilities import Capabilities
from providers.catalogue.models import Defaults, Model, Quality, RetiredModel, Speed
from providers.catalogue.prices import Price
from schemas.enums import Kind


class ModelCard(BaseModel):
    """A model as customers see it. Only an active model can be ordered.

    A paused model can return. A retired model does not return; it has no capabilities and no price.
    """

    name: str = Field(examples=["nano-banana"])
    """The value of `model` in an order."""

    kind: Kind
    """The kind of the result."""

    title: str
    """The name for people."""

    description: str
    """The result, in one sentence."""

    maker: str | None = Field(default=None, description="who made the model, such as Google", examples=["Google"])
    good_for: str | None = None
    """The use for which the vendor sells the model."""

    quality: Quality | None = None
    """How good the results are, beside those of other models of the same kind."""

    speed: Speed | None = None
    """How long a result takes, beside those of other models of the same kind."""

    aliases: list[str]
    """Further names that an order can use."""

    status: Literal["active", "paused", "retired"] = "active"
    """Whether the model can be ordered."""

    capabilities: Capabilities | None = None
    """The values that an order can contain."""

    styles: list[str] = Field(default=[], description="values of `style`")
    image_to_video: str | None = Field(
        default=None, description="the model that makes the video of a `preview`; null: there are no previews"
    )
    defaults: Defaults | None = None
    """The values of fields that an order omits."""

    price: Price | None = None
    """The price in credits."""

    paused_on: date | None = None
    """The first day of the pause."""

    ends_on: date | None = None
    """The first day on which the vendor may shut the model down."""

    retired_on: date | None = None
    """The day of the retirement."""

    successor: str | None = Field(default=None, description="the model to order instead")

    @classmethod
    def of(cls, model: Model, styles: Iterable[str], *, image_to_video: str | None = None) -> Self:
        """The card of an active or paused model.

        Args:
            styles: those of the catalogue.
            image_to_video: the model that makes the video of a preview. None: there are no previews.
        """
        return cls(
            **model.model_dump(exclude={"description", "routes", "costs", "deadline_seconds"}),
            description=model.told_to_customers(),
            status="active" if model.paused_on is None else "paused",
            styles=list(styles) if model.capabilities.uses_prompt else [],
            image_to_video=image_to_video,
        )

    @classmethod
    def of_retired(cls, model: RetiredModel) -> Self:
        """The card of a retired model."""
        return cls(**model.model_dump(), status="retired")
