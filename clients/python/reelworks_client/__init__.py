"""The client of Reelworks: order images and videos, follow them, fetch the files.

with Client("https://reelworks.example", "rw_…") as reelworks:
    image = reelworks.generate("a lighthouse in fog", model="nano-banana")
    reelworks.download(image.id, "lighthouse.png")
"""

from reelworks_client.client import AsyncClient, Client
from reelworks_client.errors import (
    ApiError,
    Conflict,
    ConnectionFailed,
    DailyCapReached,
    DamagedFile,
    FieldProblem,
    Forbidden,
    GenerationFailed,
    Gone,
    InsufficientCredits,
    InvalidRequest,
    InvalidWebhook,
    ModelUnavailable,
    NoAnswer,
    NotFound,
    QuotaReached,
    RateLimited,
    ReelworksError,
    ServerError,
    Unauthenticated,
    Unavailable,
    WaitTimeout,
)
from reelworks_client.models import (
    Asset,
    Batch,
    Estimate,
    Event,
    Failure,
    Generation,
    Notification,
    Outcome,
    Queue,
    QueuedModel,
    QueuePlace,
)
from reelworks_client.orders import Item, Order
from reelworks_client.progress import TerminalBar
from reelworks_client.resources import Me, ModelInfo, Share, Upload
from reelworks_client.webhooks import verify

__all__ = [
    "ApiError",
    "Asset",
    "AsyncClient",
    "Batch",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "DailyCapReached",
    "DamagedFile",
    "Estimate",
    "Event",
    "Failure",
    "FieldProblem",
    "Forbidden",
    "Generation",
    "GenerationFailed",
    "Gone",
    "InsufficientCredits",
    "InvalidRequest",
    "InvalidWebhook",
    "Item",
    "Me",
    "ModelInfo",
    "ModelUnavailable",
    "NoAnswer",
    "NotFound",
    "Notification",
    "Order",
    "Outcome",
    "Queue",
    "QueuePlace",
    "QueuedModel",
    "QuotaReached",
    "RateLimited",
    "ReelworksError",
    "ServerError",
    "Share",
    "TerminalBar",
    "Unauthenticated",
    "Unavailable",
    "Upload",
    "WaitTimeout",
    "verify",
]
