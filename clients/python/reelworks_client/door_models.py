"""The answers of the Redis door."""

from pydantic import Field

from reelworks_client.models import Model


class AcceptedOrder(Model):
    """The answer of the Redis door to an order."""

    id: str
    """The generation."""
    status: str
    """`queued`, or further if the order was accepted before."""
    is_new: bool
    """Whether this request made the generation. False: an earlier one with the same key did."""
    model: str = ""
    """The model that serves."""
    requested_model: str | None = None
    """The name in the order."""


class AcceptedBatch(Model):
    """The answer of the Redis door to the order of a batch."""

    id: str
    """The batch."""
    is_new: bool
    """Whether this request made the batch."""
    generations: list[str] = Field(default=[])
    """The ids of the generations, in the order of the requests."""


class DoorState(Model):
    """The state of the Redis door."""

    state: str
    """`open`, or `overloaded`: orders are refused."""
    depth: int
    """The requests that wait."""
    most: int
    """The limit above which orders are refused."""
    retry_after: float | None = None
    """Seconds after which an order may be sent again."""
    requires_signatures: bool = False
    """Whether requests need a signature."""
