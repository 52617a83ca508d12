"""The columns that a move of a generation writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from schemas.enums import ErrorCode
from schemas.limits import RemoteWait
from schemas.names import ProviderName


@dataclass(frozen=True)
class Changes:
    """The columns that a claim writes beside the stage. None leaves a column unchanged."""

    provider: ProviderName | None = None
    """The provider of the current route."""
    route_index: int | None = None
    """The index of the current route in the order's routes."""
    routes_given_up: int | None = None
    """The routes that this generation does not take again: bit n stands for route n."""
    remote_id: str | None = None
    """The vendor's id of the work."""
    remote_links: Mapping[str, str] | None = None
    """The vendor's links to the work, by name."""
    remote_wait: RemoteWait | None = None
    """Whether the vendor works on it. Set together with `remote_ahead`."""
    remote_ahead: int | None = None
    """The works before it in the vendor's own queue. None, with a `remote_wait`: the vendor names no place."""
    result_urls: list[str] | None = None
    """The links to the result."""
    object_key: str | None = None
    """The key of the result in the object store."""
    download: Mapping[str, object] | None = None
    """The size, hash and type of the stored result."""
    provider_credits: Decimal | None = None
    """The price that the vendor reports."""
    provider_seconds: float | None = None
    """The seconds of work that the vendor reports."""
    error_code: ErrorCode | None = None
    """The reason of a failure, for programs."""
    error_message: str | None = None
    """The reason of a failure, for the customer."""
    failures: int | None = None
    """Failures in a row. Every move sets 0, except moves between `queued` and `submitting`."""
    crashes: int | None = None
    """Crashes in a row. Reset by moves in the same way as `failures`."""
    progress: int | None = None
    """Percent done. A lower number than the row's has no effect."""
    submission: UUID | None = None
    """The token of the claim that is about to send a create."""
    cancel_sent: bool = False
    """True: the provider has answered a request to stop. The row records the time."""
    loses_run: bool = False
    """True: a server of our own lost the run. The update appends the run to `lost_runs`. The update also clears the
    ids, the links and the callbacks of the generation."""
    lost_unbegun: bool = False
    """True: the lost run had only waited."""
    is_silent: bool | None = None
    """True: our own server left the newest read without an answer. False: our own server answered."""


NOTHING = Changes()
"""No column."""
