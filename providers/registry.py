"""The vendor accounts of this process, by name.

Importing this module loads no adapter and no HTTP client. The first `get` loads both.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import structlog

from providers import adapters
from providers.base import Offer, Profile, Provider
from providers.http.addresses import AddressPolicy
from providers.twins import with_twins
from schemas.errors import InvalidSettings
from schemas.known_secrets import keys_of
from schemas.limits import AccountLimits
from schemas.names import ProviderName, is_twin
from schemas.provider_errors import ProviderAuthFailed
from schemas.reach import Reach, reach_of
from schemas.setting_groups import ProviderSettings, ProvidersSettings
from schemas.settings import Settings

if TYPE_CHECKING:
    from providers.http.transport import Transport


log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class MakesProvider(Protocol):
    """The type of `Adapter` in each package of `providers/adapters`."""

    @property
    def profile(self) -> Profile:
        """The properties of the vendor."""

    def profile_of(self, name: ProviderName, settings: ProviderSettings) -> Profile:
        """The properties of the vendor behind an account."""

    def models(self, name: ProviderName, settings: ProviderSettings) -> frozenset[str] | None:
        """The vendor's names of the models that an account serves. None: those of all routes to the account."""

    def __call__(self, name: ProviderName, settings: ProviderSettings, transport: "Transport") -> Provider:
        """Makes the adapter of one account."""


@cache
def adapter_names() -> frozenset[str]:
    """The names of all adapters: the packages of `providers/adapters`."""
    return frozenset(module.name for module in iter_modules(adapters.__path__) if module.ispkg)


def adapter(name: str) -> MakesProvider:
    """The adapter class of a package of `providers/adapters`."""
    made: MakesProvider = import_module(f"{adapters.__name__}.{name}").Adapter
    return made


def accounts_of(settings: Settings) -> ProvidersSettings:
    """The accounts of a process: the configured ones, and their twins at the sandbox."""
    return with_twins(settings.providers, settings.test_keys, adapter_names())


class Providers:
    """The accounts that have an API key. Safe to share between threads. Make an instance after a fork, not before."""

    def __init__(
        self, settings: ProvidersSettings, policy: AddressPolicy | None = None, *, public_url: str | None = None
    ) -> None:
        """Checks that each configured account has an adapter. Loads none.

        Args:
            policy: the addresses that adapters may call when a vendor supplies a URL. None: public addresses.
            public_url: the base URL of our callbacks. None: assume that every vendor reaches us.

        Raises:
            InvalidSettings: an account names an adapter that does not exist.
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
        """The accounts that have an API key."""
        return frozenset(name for name in self._settings.names() if self._has_key(name))

    def offer(self) -> Offer:
        """The accounts that have an API key, with their models where an account serves only some.

        Raises:
            InvalidSettings: the settings of an account are wrong.
        """
        served = {name: self._adapter(name).models(name, self._settings.named(name)) for name in self.available()}
        return Offer(self.available(), {name: models for name, models in served.items() if models is not None})

    def names(self) -> list[ProviderName]:
        """Every account, also without an API key."""
        return self._settings.names()

    def load(self) -> None:
        """Make the adapter of every account now. Wrong settings then stop the start of the process, not an order.

        Raises:
            InvalidSettings: the settings of an account are wrong.
        """
        for name in sorted(self.available()):
            self.get(name)

    def get(self, name: ProviderName) -> Provider:
        """The adapter of an account.

        Raises:
            ProviderAuthFailed: the account has no API key here.
        """
        if not self._has_key(name):
            key_variable = f"REELWORKS_PROVIDERS__{name.upper()}__API_KEY"
            variable = "REELWORKS_TEST_KEYS__SANDBOX_URL" if is_twin(name) else key_variable
            raise ProviderAuthFailed(f"the provider {name} has no API key here: set {variable}")
        with self._lock:
            if name not in self._providers:
                self._providers[name] = self._make(name)
            return self._providers[name]

    def calls_back(self, name: ProviderName) -> bool:
        """Whether we ask an account's vendor for callbacks. If not, the work is polled.

        True if the vendor can call back, the settings allow callbacks, and the vendor can reach our address.
        """
        return self._wants_callbacks(name) and self.reaches_us(name)

    def calls_back_by_node(self, name: ProviderName) -> bool:
        """Whether callbacks of an account's vendor name the `reference` of the order."""
        profile = self._profile(name)
        return profile is not None and profile.calls_back_by_node

    def reaches_us(self, name: ProviderName) -> bool:
        """Whether an account's vendor can reach our public URL, judged by the two URLs alone.

        A vendor on this machine reaches every address of ours. A vendor in our network reaches all except loopback.
        """
        base_url = self._settings.named(name).base_url
        vendor = reach_of(base_url) if base_url else Reach.INTERNET
        return self._public_url is None or reach_of(self._public_url) >= vendor

    def out_of_reach(self) -> list[ProviderName]:
        """The accounts that are polled only because the vendor cannot reach our address."""
        names = sorted(self.available())
        return [name for name in names if self._wants_callbacks(name) and not self.reaches_us(name)]

    def warn_of_polling(self) -> None:
        """Log one warning that names the accounts of `out_of_reach`."""
        if names := self.out_of_reach():
            log.warning(
                "callbacks_cannot_arrive", providers=names, url=self._public_url, setting="REELWORKS_PUBLIC_URL"
            )

    def limits(self) -> dict[ProviderName, AccountLimits]:
        """The limits of each account that can be used: the operator's, or else those that the vendor documents."""
        names = self.available()
        return {name: self._settings.named(name).limits or self._own_profile(name).limits for name in names}

    def create_seconds(self, name: ProviderName) -> float:
        """The time limit of a create of an account."""
        profile = self._profile(name)
        return self._settings.named(name).create_seconds(profile.create_seconds if profile else None)

    def poll_seconds(self, name: ProviderName) -> float:
        """The minimum pause between two polls of the same work."""
        profile = self._profile(name)
        return profile.poll_seconds if profile else 0.0

    def bills_nothing(self, name: ProviderName) -> bool:
        """Whether work at an account costs no money, so that the same order may run there twice."""
        profile = self._profile(name)
        return profile is not None and profile.bills_nothing

    def stops_own_work(self, name: ProviderName) -> bool:
        """Whether an account is at a server of one's own that has a call to stop work."""
        profile = self._profile(name)
        return profile is not None and profile.bills_nothing and profile.cancels

    def servers(self) -> dict[ProviderName, list[ProviderName]]:
        """The accounts at servers of one's own that bear another name than their adapter, by their adapter."""
        found: dict[ProviderName, list[ProviderName]] = {}
        for name in sorted(self.available()):
            kind = self._settings.named(name).adapter
            if kind and kind != name and not is_twin(name) and self._own_profile(name).bills_nothing:
                found.setdefault(kind, []).append(name)
        return found

    def lost_after_seconds(self, name: ProviderName) -> float | None:
        """Work of an account whose server answers no read for this time is lost. None: it is never given up."""
        return self.get(name).lost_after_seconds if self.bills_nothing(name) else None

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            self._providers.clear()
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def _wants_callbacks(self, name: ProviderName) -> bool:
        profile, account = self._profile(name), self._settings.named(name)
        if profile is None or not (account.callbacks and profile.calls_back):
            return False
        return bool(account.webhook_key.get_secret_value()) or not profile.needs_webhook_key

    def _has_key(self, name: ProviderName) -> bool:
        return bool(self._settings.named(name).api_key.get_secret_value())

    def _profile(self, name: ProviderName) -> Profile | None:
        """None if the account has no API key. Work of an account that was removed from the settings can still exist."""
        return self._own_profile(name) if self._has_key(name) else None

    def _own_profile(self, name: ProviderName) -> Profile:
        return self._adapter(name).profile_of(name, self._settings.named(name))

    def _adapter(self, name: ProviderName) -> MakesProvider:
        return adapter(self._settings.named(name).adapter or name)

    def _make(self, name: ProviderName) -> Provider:
        if self._transport is None:
            from providers.http.transport import Transport

            keys = [key for account in self._settings.root.values() for key in keys_of(account)]
            self._transport = Transport(policy=self._policy, secrets=keys)
        return self._adapter(name)(name, self._settings.named(name), self._transport)


def _require_adapter(name: ProviderName, settings: ProviderSettings) -> None:
    wanted = settings.adapter or name
    if wanted not in adapter_names():
        variable = f"REELWORKS_PROVIDERS__{name.upper()}__ADAPTER"
        known = ", ".join(sorted(adapter_names()))
        raise InvalidSettings(
            f"there is no adapter {wanted!r} for the account {name}: set {variable} to one of {known}"
        )
