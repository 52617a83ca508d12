"""The settings of webhooks."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, Field

_LONGEST_GAP_SECONDS = 7 * 86_400


class WebhookSettings(BaseModel):
    """Messages to customers' endpoints. Retention: `retention.webhook_days`."""

    retry_gaps_seconds: list[Annotated[float, Field(ge=0, le=_LONGEST_GAP_SECONDS)]] = Field(
        default=[5, 60, 300, 1800, 7200, 18_000, 28_800, 36_000],
        description="the pauses between the attempts of a message, with jitter; their number is that of the retries",
        max_length=50,
    )
    timeout_seconds: float = Field(default=15.0, gt=0, le=60, description="for one attempt, from the connection on")
    places: int = Field(default=500, ge=10, le=5000, description="attempts of one process at a time")
    places_each_endpoint: int = Field(default=10, ge=1, description="attempts of one process at one endpoint at a time")
    pause_after_days: float = Field(
        default=5.0, gt=0, le=365, description="an endpoint whose attempts all fail is paused after this"
    )
    allow_http: bool = Field(default=False, description="whether endpoints may be http URLs; otherwise https only")
    allowed_private_networks: list[IPv4Network | IPv6Network] = Field(
        default=[],
        description="private networks that endpoints may be in; a customer chooses what is reached there",
    )
