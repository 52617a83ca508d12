"""Chooses the address of every part: as one complete `Settings`, and as environment variables."""

import json
import shlex
from collections.abc import Callable, Sequence
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, SecretStr

from providers.registry import adapter_names
from sandbox import vendors
from schemas.limits import AccountLimits
from schemas.reach import connectable
from schemas.setting_groups import ProviderSettings, ProvidersSettings, TestKeySettings
from schemas.settings import Settings
from stack.credentials import Credentials
from stack.errors import PartFailed
from stack.ports import ATTEMPTS, check_free, free_port, is_free
from stack.private_file import write_private

LOOPBACK = ip_network("127.0.0.0/8")

T = TypeVar("T")

_PREFIX: Final = "REELWORKS_"


class SandboxUse(StrEnum):
    """The orders that go to the sandbox of this machine."""

    NONE = "none"
    """No orders: the sandbox does not run."""
    TEST_KEYS = "test keys"
    """The orders of test keys."""
    ALL = "all"
    """Every order: the accounts point at the sandbox, too."""


def wired(given: Settings, credentials: Credentials, use: SandboxUse, before: Settings | None = None) -> Settings:
    """The settings of the user with a port for each server, and with the sandbox's accounts if the sandbox runs.

    Args:
        given: the settings of the user. A port of 0 becomes a free port.
        credentials: the keys of the sandbox.
        use: the orders that go to the sandbox.
        before: the settings of a failed start. A chosen port that is still free remains.

    Raises:
        PortTaken: a configured port is in use.
    """
    ported = with_configured_ports(_for_a_person_here(given), sandbox=use is not SandboxUse.NONE, before=before)
    match use:
        case SandboxUse.NONE:
            return ported
        case SandboxUse.TEST_KEYS:
            return with_test_keys(ported, credentials)
        case SandboxUse.ALL:
            return with_sandbox(ported, credentials)


def start_on_free_ports(start: Callable[[Settings], T], settings: Settings, wire: Callable[[Settings], Settings]) -> T:
    """Call `start`, and call it again with other ports if another program took a chosen port.

    Args:
        start: starts the processes. If `start` raises PartFailed, all processes have ended.
        settings: the settings of the first attempt.
        wire: `wired` as a function of its `before`.

    Raises:
        PortTaken: another program took a configured port.
        PartFailed: a process failed for a reason other than a port.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return start(settings)
        except PartFailed:
            again = wire(settings)
            if _ports(again) == _ports(settings):
                raise
            settings = again
    return start(settings)


def with_configured_ports(settings: Settings, *, sandbox: bool, before: Settings | None = None) -> Settings:
    """Settings with free ports. A port of 0 becomes a free port.

    Args:
        settings: the settings of the user.
        sandbox: whether the sandbox runs.
        before: the settings of a failed start. A chosen port that is still free remains.

    Raises:
        PortTaken: a configured port is in use.
    """
    wanted = [
        ("the gateway", "GATEWAY_PORT", settings.gateway_host, settings.gateway_port),
        ("Flower", "FLOWER_PORT", settings.flower_host, settings.flower_port),
    ]
    if sandbox:
        wanted.append(("the sandbox", "SANDBOX__PORT", "127.0.0.1", settings.sandbox.port))
    for owner, setting, host, port in wanted:
        if port:
            check_free(port, host=host, owner=owner, setting=_PREFIX + setting)
    chosen = iter(_ports(before) if before is not None else (0, 0, 0))
    gateway, flower, sandbox_port = (port or _free(next(chosen)) for port in _ports(settings))
    return _with_ports(settings, gateway=gateway, flower=flower, sandbox=sandbox_port)


def with_free_ports(settings: Settings) -> Settings:
    """Settings with free ports for the gateway, Flower and the sandbox."""
    return with_configured_ports(with_any_ports(settings), sandbox=False)


def with_any_ports(settings: Settings) -> Settings:
    """Settings with port 0 for the gateway, Flower and the sandbox."""
    return _with_ports(settings, gateway=0, flower=0, sandbox=0)


def with_sandbox(settings: Settings, credentials: Credentials) -> Settings:
    """Settings with an account for each kind of vendor. All accounts point at the sandbox.

    The sandbox calls back, and serves files on loopback.
    """
    accounts = {
        name: settings.providers.named(name).model_copy(
            update={
                "base_url": f"{sandbox_url(settings)}/{name}",
                "api_key": SecretStr(credentials.sandbox_api_key),
                "webhook_key": SecretStr(credentials.sandbox_webhook_secret),
                "options": _sandbox_options(settings, name),
            }
        )
        for name in adapter_names()
    }
    inputs = settings.inputs.allowed_private_networks
    return with_test_keys(settings, credentials).model_copy(
        update={
            "public_url": gateway_url(settings),
            "providers": settings.providers.with_accounts(**accounts),
            "inputs": settings.inputs.model_copy(update=with_loopback(inputs)),
        }
    )


def _for_a_person_here(settings: Settings) -> Settings:
    """Settings in which a person at this machine signs in on the page without a key."""
    return settings.model_copy(update={"studio": settings.studio.model_copy(update={"development_sign_in": True})})


def without_limits(settings: Settings) -> Settings:
    """Settings in which no account at the sandbox has limits, for work that is to go as fast as the machine."""
    accounts = {
        name: settings.providers.named(name).model_copy(update={"limits": AccountLimits()}) for name in adapter_names()
    }
    return settings.model_copy(update={"providers": settings.providers.with_accounts(**accounts)})


def with_test_keys(settings: Settings, credentials: Credentials) -> Settings:
    """Settings in which the orders of test keys go to the sandbox. The sandbox serves files on loopback."""
    test_keys = TestKeySettings(
        sandbox_url=sandbox_url(settings),
        api_key=SecretStr(credentials.sandbox_api_key),
        webhook_key=SecretStr(credentials.sandbox_webhook_secret),
    )
    results = settings.downloads.allowed_private_networks
    downloads = settings.downloads.model_copy(update=with_loopback(results))
    return settings.model_copy(update={"test_keys": test_keys, "downloads": downloads})


def with_loopback(networks: Sequence[IPv4Network | IPv6Network]) -> dict[str, object]:
    """The setting of the private networks that links may point at, with loopback."""
    return {"allowed_private_networks": [*(network for network in networks if network != LOOPBACK), LOOPBACK]}


def _sandbox_options(settings: Settings, name: str) -> dict[str, SecretStr]:
    """The options of an account, and the options that the sandbox's vendor needs."""
    wanted = vendors.options(name, f"{sandbox_url(settings)}/{name}")
    return {
        **settings.providers.named(name).options,
        **{option: SecretStr(value) for option, value in wanted.items()},
    }


def has_provider_key(settings: Settings) -> bool:
    """Whether a real provider account has a key."""
    accounts = settings.providers
    return any(accounts.named(name).api_key.get_secret_value() for name in accounts.names())


def gateway_url(settings: Settings) -> str:
    """The gateway's address for this machine."""
    return settings.gateway_url


def flower_url(settings: Settings) -> str:
    """Flower's address for this machine."""
    return f"http://{connectable(settings.flower_host)}:{settings.flower_port}"


def sandbox_url(settings: Settings) -> str:
    """The sandbox's address for this machine."""
    return f"http://127.0.0.1:{settings.sandbox.port}"


def settings_environment(settings: Settings) -> dict[str, str]:
    """The `REELWORKS_*` variables from which another process reads exactly these settings."""
    return dict(_variables(settings, _PREFIX))


def write_environment(settings: Settings, path: Path) -> None:
    """Write the `REELWORKS_*` variables of these settings to a file that only its owner can read."""
    variables = settings_environment(settings).items()
    write_private(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables))


def sandbox_environment(settings: Settings) -> dict[str, str]:
    """The variables of the sandbox. All its accounts have the same keys."""
    return {
        "SANDBOX_API_KEY": settings.test_keys.api_key.get_secret_value(),
        "SANDBOX_WEBHOOK_SECRET": settings.test_keys.webhook_key.get_secret_value(),
        "SANDBOX_SECONDS_PER_IMAGE": str(settings.sandbox.seconds_per_image),
        "SANDBOX_SECONDS_PER_VIDEO": str(settings.sandbox.seconds_per_video),
    }


def _ports(settings: Settings) -> tuple[int, int, int]:
    return settings.gateway_port, settings.flower_port, settings.sandbox.port


def _free(wish: int) -> int:
    return wish if wish and is_free(wish) else free_port()


def _with_ports(settings: Settings, *, gateway: int, flower: int, sandbox: int) -> Settings:
    update = {
        "gateway_port": gateway,
        "flower_port": flower,
        "sandbox": settings.sandbox.model_copy(update={"port": sandbox}),
    }
    ported = settings.model_copy(update=update)
    is_own = settings.public_url == settings.gateway_url
    return ported.model_copy(update={"public_url": ported.gateway_url}) if is_own else ported


def _variables(model: BaseModel, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field, value in model.root.items() if isinstance(model, ProvidersSettings) else model:
        name = prefix + field.upper()
        if isinstance(value, AccountLimits):
            found.append((name, value.model_dump_json(exclude_defaults=True)))
        elif isinstance(value, BaseModel):
            found += _variables(value, f"{name}__")
        elif isinstance(model, ProviderSettings) and field not in model.model_fields_set:
            continue  # the adapter chooses the default of an unset field
        elif value is not None:
            found.append((name, _text(value)))
    return found


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return json.dumps({name: _text(item) for name, item in value.items()})
    if isinstance(value, list | tuple | set):
        return json.dumps([_text(item) for item in value])
    return str(value)
