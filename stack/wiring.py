"""Which part listens where and talks to whom: one filled-in `Settings`, and the same as environment variables."""

import json
import shlex
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, SecretStr

from providers.registry import adapter_names
from sandbox import vendors
from schemas.reach import connectable
from schemas.settings import ProviderSettings, ProvidersSettings, Settings
from stack.credentials import Credentials
from stack.errors import PartFailed
from stack.ports import ATTEMPTS, check_free, free_port, is_free
from stack.private_file import write_private

LOOPBACK = ip_network("127.0.0.0/8")

T = TypeVar("T")

_PREFIX: Final = "REELWORKS_"


def wired(given: Settings, credentials: Credentials, sandbox: bool, before: Settings | None = None) -> Settings:
    """What the user gave, with a port for each server, and with the sandbox's accounts if it is to run.

    Args:
        given: a port of 0 in it becomes some free one.
        credentials: the sandbox's end of the keys.
        sandbox: whether the sandbox is to run.
        before: the settings of a start that failed: a free port that it chose is kept if it is free still.

    Raises:
        PortTaken: a configured port is in use.
    """
    ported = with_configured_ports(given, sandbox=sandbox, before=before)
    return with_sandbox(ported, credentials) if sandbox else ported


def start_on_free_ports(start: Callable[[Settings], T], settings: Settings, wire: Callable[[Settings], Settings]) -> T:
    """Calls `start`, and calls it again with other ports where another program took a port that we had chosen.

    Args:
        start: starts the processes and returns what to hand on; where it raises PartFailed, all of them have ended.
        settings: those of the first attempt.
        wire: `wired` with its `before`.

    Raises:
        PortTaken: another program took a configured port.
        PartFailed: a process failed, and the ports were not the reason.
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
    """Settings whose ports were free a moment ago; a port of 0 becomes some free one.

    Args:
        settings: those that the user gave.
        sandbox: whether the sandbox is to run.
        before: the settings of a start that failed: a free port that it chose is kept if it is free still.

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
    """Settings whose gateway, Flower and sandbox listen on ports that nobody uses."""
    return with_configured_ports(with_any_ports(settings), sandbox=False)


def with_any_ports(settings: Settings) -> Settings:
    """Settings that leave the ports of the gateway, Flower and the sandbox to us."""
    return _with_ports(settings, gateway=0, flower=0, sandbox=0)


def with_sandbox(settings: Settings, credentials: Credentials) -> Settings:
    """Settings with an account for each kind of vendor, all of them the sandbox's.

    It calls back, and serves files on loopback.
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
    results, inputs = settings.downloads.allowed_private_networks, settings.inputs.allowed_private_networks
    return settings.model_copy(
        update={
            "public_url": gateway_url(settings),
            "providers": settings.providers.with_accounts(**accounts),
            "downloads": settings.downloads.model_copy(update=_with_loopback(results)),
            "inputs": settings.inputs.model_copy(update=_with_loopback(inputs)),
        }
    )


def _with_loopback(networks: Sequence[IPv4Network | IPv6Network]) -> dict[str, object]:
    return {"allowed_private_networks": [*(network for network in networks if network != LOOPBACK), LOOPBACK]}


def _sandbox_options(settings: Settings, name: str) -> dict[str, SecretStr]:
    """The account's own, with what the sandbox's vendor wants to be told."""
    wanted = vendors.options(name, f"{sandbox_url(settings)}/{name}")
    return {
        **settings.providers.named(name).options,
        **{option: SecretStr(value) for option, value in wanted.items()},
    }


def has_provider_key(settings: Settings) -> bool:
    """Whether there is a key for any real provider account."""
    accounts = settings.providers
    return any(accounts.named(name).api_key.get_secret_value() for name in accounts.names())


def gateway_url(settings: Settings) -> str:
    """Where this machine reaches the gateway."""
    return settings.gateway_url


def flower_url(settings: Settings) -> str:
    """Where this machine reaches Flower."""
    return f"http://{connectable(settings.flower_host)}:{settings.flower_port}"


def sandbox_url(settings: Settings) -> str:
    """Where this machine reaches the sandbox."""
    return f"http://127.0.0.1:{settings.sandbox.port}"


def settings_environment(settings: Settings) -> dict[str, str]:
    """The `REELWORKS_*` variables from which another process reads exactly these settings."""
    return dict(_variables(settings, _PREFIX))


def write_environment(settings: Settings, path: Path) -> None:
    """Keep the `REELWORKS_*` variables of these settings in a file that only its owner reads."""
    variables = settings_environment(settings).items()
    write_private(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables))


def sandbox_environment(settings: Settings) -> dict[str, str]:
    """The sandbox's own variables: it holds the other end of the accounts' keys, which are the same for all."""
    account = settings.providers.named(min(adapter_names()))
    return {
        "SANDBOX_API_KEY": account.api_key.get_secret_value(),
        "SANDBOX_WEBHOOK_SECRET": account.webhook_key.get_secret_value(),
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
        if isinstance(value, BaseModel):
            found += _variables(value, f"{name}__")
        elif isinstance(model, ProviderSettings) and field not in model.model_fields_set:
            continue  # what its operator leaves open, the kind of vendor may decide
        elif value is not None:
            found.append((name, _text(value)))
    return found


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return json.dumps({name: _text(item) for name, item in value.items()})
    if isinstance(value, list | tuple | set):
        return json.dumps([str(item) for item in value])
    return str(value)
