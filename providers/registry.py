"""The vendor accounts of this process: a name in, its adapter out.

Importing this module loads no vendor and no HTTP client; both come with the first `get`.
"""

from threading import Lock
from typing import TYPE_CHECKING

from providers.base import Provider
from schemas.enums import ProviderName
from schemas.errors import ProviderAuthFailed
from schemas.settings import ProviderSettings, ProvidersSettings

if TYPE_CHECKING:
    from providers.transport import Transport


class Providers:
    """The accounts that have an API key. Safe to share between threads; make it after a fork, not before."""

    def __init__(self, settings: ProvidersSettings) -> None:
        self._settings = settings
        self._adapters: dict[ProviderName, Provider] = {}
        self._transport: Transport | None = None
        self._lock = Lock()

    def available(self) -> frozenset[ProviderName]:
        """The providers that are configured."""
        return frozenset(name for name in ProviderName if self._has_key(name))

    def get(self, name: ProviderName) -> Provider:
        """The adapter of a provider.

        Raises:
            ProviderAuthFailed: it has no API key here.
        """
        if not self._has_key(name):
            variable = f"REELWORKS_PROVIDERS__{name.upper()}__API_KEY"
            raise ProviderAuthFailed(f"the provider {name} has no API key here: set {variable}")
        with self._lock:
            if name not in self._adapters:
                self._adapters[name] = self._adapter(name)
            return self._adapters[name]

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            self._adapters.clear()
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def _has_key(self, name: ProviderName) -> bool:
        return bool(self._settings.named(name).api_key.get_secret_value())

    def _adapter(self, name: ProviderName) -> Provider:
        settings = self._settings.named(name)
        match name:
            case ProviderName.KIE:
                return _kie(settings, self._shared_transport())
            case ProviderName.KLING:
                return _kling(settings, self._shared_transport())
            case ProviderName.REPLICATE:
                return _replicate(settings, self._shared_transport())

    def _shared_transport(self) -> "Transport":
        if self._transport is None:
            from providers.transport import Transport

            self._transport = Transport()
        return self._transport


def _kie(settings: ProviderSettings, transport: "Transport") -> Provider:
    from providers.kie import Kie

    return Kie(settings, transport)


def _kling(settings: ProviderSettings, transport: "Transport") -> Provider:
    from providers.kling import Kling

    return Kling(settings, transport)


def _replicate(settings: ProviderSettings, transport: "Transport") -> Provider:
    from providers.replicate import Replicate

    return Replicate(settings, transport)
