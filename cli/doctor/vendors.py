"""Checks the keys of the provider accounts by a free call."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from cli.doctor.findings import Finding, error, ok, warning
from cli.doctor.running import Check
from providers.registry import Providers
from schemas.errors import InvalidSettings
from schemas.names import ProviderName
from schemas.provider_errors import ProviderAuthFailed, ProviderError, ProviderQuotaExceeded
from schemas.settings import Settings

_SECONDS = 20.0


def checks_of(settings: Settings) -> Sequence[Check]:
    """A check for each account, so that a slow vendor delays no other."""
    names = settings.providers.names()
    runs: list[Callable[[Settings], Iterator[Finding]]] = [partial(account, name=name) for name in names]
    checks = [Check(f"provider {name}", run, _SECONDS) for name, run in zip(names, runs, strict=True)]
    return checks or [Check("providers", nothing)]


def nothing(_settings: Settings) -> Iterator[Finding]:
    """No account is configured."""
    yield warning(
        "providers", "no account is configured: every order is refused", "set REELWORKS_PROVIDERS__*__API_KEY"
    )


def account(settings: Settings, name: ProviderName) -> Iterator[Finding]:
    """Whether the vendor accepts the key of an account."""
    check, variable = f"provider {name}", f"REELWORKS_PROVIDERS__{name.upper()}__API_KEY"
    providers = None
    try:
        providers = Providers(settings.providers)
        state = providers.get(name).check()
    except ProviderAuthFailed as trouble:
        yield error(check, trouble.message, f"set {variable} to a valid key, and restart workers and gateway")
    except ProviderQuotaExceeded as trouble:
        yield error(check, trouble.message, "add credits to the account at the vendor")
    except ProviderError as trouble:
        yield warning(check, trouble.message, f"`reelworks providers check {name}` asks again")
    except InvalidSettings as trouble:
        yield error(check, str(trouble), "correct the settings of the account")
    else:
        left = "" if state.credits is None else f"; {state.credits} credits are left"
        yield (
            warning(check, state.warning, "correct the settings of the account")
            if state.warning
            else ok(check, f"the vendor accepts the key{left}")
        )
    finally:
        if providers is not None:
            providers.close()
