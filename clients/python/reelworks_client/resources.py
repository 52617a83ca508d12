"""The answers of the API beside generations: uploads, shares, the customer, models."""

from datetime import datetime
from typing import Any

from pydantic import Field

from reelworks_client.models import Model


class Upload(Model):
    """A file that orders can name as an input."""

    id: str
    """The id."""
    url: str
    """The entry for `image_urls` or `video_urls` of an order."""
    content_type: str
    """The media type, as the bytes tell."""
    size_bytes: int
    """The size."""
    sha256: str
    """The SHA-256, in hexadecimal digits."""
    duration_seconds: float | None = None
    """The length of a video, where measured."""
    expires_at: datetime
    """The time of deletion."""


class Share(Model):
    """A public link to a result."""

    id: str
    """The id."""
    generation_id: str
    """The generation."""
    url: str
    """The page. The page needs no key."""
    views: int
    """How often the page was opened."""
    created_at: datetime
    """When the link was made."""
    expires_at: datetime
    """The end of the link."""
    revoked_at: datetime | None = None
    """When the customer revoked the link."""


class Me(Model):
    """The customer for whom the key acts."""

    id: str
    """The id, which the Redis door calls `customer_id`."""
    name: str
    """The name."""
    credits: dict[str, Any]
    """`available` and `held`."""
    uploads: dict[str, Any] = Field(default={})
    """The stored uploads and their quota."""
    limits: dict[str, Any] | None = None
    """The limits of the customer, with `used`. None: there are none."""


class ModelInfo(Model):
    """A model of the catalogue."""

    name: str
    """The name for orders."""
    kind: str
    """`image` or `video`."""
    title: str
    """The name for people."""
    description: str = ""
    """One sentence."""
    status: str = "active"
    """`active`, `paused` or `retired`."""
    capabilities: dict[str, Any] | None = None
    """The allowed settings."""
    defaults: dict[str, Any] | None = None
    """The settings of an order that names none."""
    image_to_video: str | None = None
    """The model that makes the video of a preview. None: there are no previews."""
    price: dict[str, Any] | None = None
    """The price in credits."""
    styles: list[str] = Field(default=[])
    """The looks that an order may name."""
    successor: str | None = None
    """The model to order in place of a paused or retired one."""
