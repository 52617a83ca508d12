"""The base of adapters for servers of one's own, which send no bills. Lost work may run there again.

The pipeline asks `lost_after_seconds` before it gives silent work up (docs/decisions/0063).
"""

import time
from collections.abc import Callable
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from providers.account import read_options
from providers.adapters.vendor_adapter import VendorAdapter
from providers.http.calls import Reply
from providers.http.transport import Transport
from schemas.limits import Refusal
from schemas.names import ProviderName
from schemas.provider_errors import ProviderError, ProviderRateLimited
from schemas.setting_groups import ProviderSettings

LOST_AFTER_SECONDS = 60.0


class ServerOptions(BaseModel):
    """The options of an account at a server of one's own. An adapter with further options extends this model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lost_after_seconds: float = Field(default=LOST_AFTER_SECONDS, ge=1, le=86_400)
    """Work that no read finds for this time counts as lost."""


class OwnHardware(VendorAdapter):
    """An adapter whose server sends no bills. Its `profile` says `bills_nothing`."""

    options_model: ClassVar[type[ServerOptions]] = ServerOptions
    """The model of the account's options."""

    def __init__(
        self,
        name: ProviderName,
        settings: ProviderSettings,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Makes the adapter, without a call. Arguments and errors: as for `VendorAdapter`."""
        super().__init__(name, settings, transport, clock=clock)
        self.options = read_options(name, settings, self.options_model)
        """The options of the account."""

    @property
    def lost_after_seconds(self) -> float | None:
        return self.options.lost_after_seconds

    def _error(self, reply: Reply) -> ProviderError:
        """As for every vendor, but 429 means that the GPUs are busy. Nothing counts calls."""
        error = super()._error(reply)
        if isinstance(error, ProviderRateLimited):
            return ProviderRateLimited(error.message, retry_after=error.retry_after, refusal=Refusal.TOO_MANY)
        return error
