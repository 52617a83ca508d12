"""The vendor accounts of this process: a name in, its adapter out.

Importing this module loads no vendor and no HTTP client; both come with the first `get`.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import structlog

from providers import adapters
from providers.base import Profile, Provider
from providers.http.addresses import AddressPolicy
from schemas.errors import InvalidSettings, ProviderAuthFailed
from schemas.names import ProviderName
from schemas.reach import Reach, reach_of
from schemas.settings import ProviderSettings, ProvidersSettings

if TYPE_CHECKING:
    from providers.http.transport import Transport


log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class MakesProvider(Protocol):
    """What a package of `providers/adapters` calls `Adapter`."""

    @property
    def profile(self) -> Profile:
        """How its vendor differs from the others."""

    def __call__(self, name: ProviderName, settings: ProviderSettings, transport: "Transport") -> Provider:
        """The adapter of one account."""


@cache
def adapter_names() -> frozenset[str]:
    """The kinds of vendors that we can speak to."""
    return frozenset(module.name for module in iter_modules(adapters.__path__) if module.ispkg)


def adapter(name: str) -> MakesProvider:
    """The adapter of a kind of vendor, by the name of its package."""
    made: MakesProvider = import_module(f"{adapters.__name__}.{name}").Adapter
    return made


class Providers:
    """The accounts that have an API key. Safe to share between threads; make it after a fork, not before."""

    def __init__(
        self, settings: ProvidersSettings, policy: AddressPolicy | None = None, *, public_url: str | None = None
    ) -> None:
        """Finds the adapter of each account that is configured, and loads none.

        Args:
            policy: where adapters may go when a vendor names an address; None: to public ones.
            public_url: where vendors report to us; None: every vendor reaches us.

        Raises:
            InvalidSettings: there is no such adapter.
        """
        for name in settings.names():
            _require_adapter(name, settings.named(name))
        self._settings = settings
        self._policy = policy
        self._public_url = public_url
        self._providers: dict[ProviderName, Provider] = {}
        self._transport: Transport | None = None
        self._lock = Lock()

    def available(self) -> frozenset[ProviderName]:
        """The accounts that orders can go to."""
        return frozenset(name for name in self._settings.names() if self._has_key(name))

    def load(self) -> None:
        """Make the adapter of every account now: what is wrong with its settings ends the start, not an order.

        Raises:
            InvalidSettings: an account cannot be used as it is configured.
        """
        for name in sorted(self.available()):
            self.get(name)

    def get(self, name: ProviderName) -> Provider:
        """The adapter of an account.

        Raises:
            ProviderAuthFailed: it has no API key here.
        """
        if not self._has_key(name):
            variable = f"REELWORKS_PROVIDERS__{name.upper()}__API_KEY"
            raise ProviderAuthFailed(f"the provider {name} has no API key here: set {variable}")
        with self._lock:
            if name not in self._providers:
                self._providers[name] = self._make(name)
            return self._providers[name]

    def calls_back(self, name: ProviderName) -> bool:
        """Whether an account's vendor is asked to report to us. Where it is not, its work is polled.

        The vendor can report, the settings do not forbid it, and the vendor reaches our address.
        """
        return self._wants_callbacks(name) and self.reaches_us(name)

    def reaches_us(self, name: ProviderName) -> bool:
        """Whether an account's vendor can reach our address, as far as names and numbers tell.

        A vendor on this machine reaches every address of ours, one in our network all but loopback's.
        """
        base_url = self._settings.named(name).base_url
        vendor = reach_of(base_url) if base_url else Reach.INTERNET
        return self._public_url is None or reach_of(self._public_url) >= vendor

    def out_of_reach(self) -> list[ProviderName]:
        """The accounts that are polled for one reason alone: their vendors cannot reach our address."""
        names = sorted(self.available())
        return [name for name in names if self._wants_callbacks(name) and not self.reaches_us(name)]

    def warn_of_polling(self) -> None:
        """Log once which accounts are polled because their vendors cannot reach our address."""
        if names := self.out_of_reach():
            log.warning(
                "callbacks_cannot_arrive", providers=names, url=self._public_url, setting="REELWORKS_PUBLIC_URL"
            )

    def create_seconds(self, name: ProviderName) -> float:
        """How long a create of an account may take."""
        profile = self._profile(name)
        return self._settings.named(name).create_seconds(profile.create_seconds if profile else None)

    def poll_seconds(self, name: ProviderName) -> float:
        """The least pause between two reads of the same work."""
        profile = self._profile(name)
        return profile.poll_seconds if profile else 0.0

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            self._providers.clear()
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def _wants_callbacks(self, name: ProviderName) -> bool:
        profile = self._profile(name)
        return profile is not None and self._settings.named(name).callbacks and profile.calls_back

    def _has_key(self, name: ProviderName) -> bool:
        return bool(self._settings.named(name).api_key.get_secret_value())

    def _profile(self, name: ProviderName) -> Profile | None:
        """None for an account that was taken out of the settings; it may still have work."""
        return self._adapter(name).profile if self._has_key(name) else None

    def _adapter(self, name: ProviderName) -> MakesProvider:
        return adapter(self._settings.named(name).adapter or name)

    def _make(self, name: ProviderName) -> Provider:
        if self._transport is None:
            from providers.http.transport import Transport

            self._transport = Transport(policy=self._policy)
        return self._adapter(name)(name, self._settings.named(name), self._transport)


def _require_adapter(name: ProviderName, settings: ProviderSettings) -> None:
    wanted = settings.adapter or name
    if wanted not in adapter_names():
        variable = f"REELWORKS_PROVIDERS__{name.upper()}__ADAPTER"
        known = ", ".join(sorted(adapter_names()))
        raise InvalidSettings(
            f"there is no adapter {wanted!r} for the account {name}: set {variable} to one of {known}"
        )
