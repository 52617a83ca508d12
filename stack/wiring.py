"""Which part listens where and talks to whom: one filled-in `Settings`, and the same as environment variables."""

import json
import shlex
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from pydantic import BaseModel, SecretStr

from schemas.enums import ProviderName
from schemas.settings import Settings
from stack.credentials import Credentials
from stack.ports import check_free, free_port

LOOPBACK = ip_network("127.0.0.0/8")

_PREFIX: Final = "REELWORKS_"


def with_configured_ports(settings: Settings, *, sandbox: bool) -> Settings:
    """Settings whose ports were free a moment ago; a port of 0 becomes some free one.

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
    return _with_ports(
        settings,
        gateway=settings.gateway_port or free_port(),
        flower=settings.flower_port or free_port(),
        sandbox=settings.sandbox.port or free_port(),
    )


def with_free_ports(settings: Settings) -> Settings:
    """Settings whose gateway, Flower and sandbox listen on ports that nobody uses."""
    return _with_ports(settings, gateway=free_port(), flower=free_port(), sandbox=free_port())


def with_sandbox(settings: Settings, credentials: Credentials) -> Settings:
    """Settings whose provider accounts are the sandbox's, which calls back and serves files on loopback."""
    keys = {
        ProviderName.KIE: (credentials.kie_api_key, credentials.kie_webhook_key),
        ProviderName.KLING: (credentials.kling_api_key, credentials.kling_webhook_key),
        ProviderName.REPLICATE: (credentials.replicate_api_key, credentials.replicate_webhook_key),
    }
    accounts = {
        name.value: settings.providers.named(name).model_copy(
            update={
                "base_url": f"{sandbox_url(settings)}/{name}",
                "api_key": SecretStr(api_key),
                "webhook_key": SecretStr(webhook_key),
            }
        )
        for name, (api_key, webhook_key) in keys.items()
    }
    networks = settings.downloads.allowed_private_networks
    downloads = {"allowed_private_networks": [*(n for n in networks if n != LOOPBACK), LOOPBACK]}
    return settings.model_copy(
        update={
            "public_url": gateway_url(settings),
            "providers": settings.providers.model_copy(update=accounts),
            "downloads": settings.downloads.model_copy(update=downloads),
        }
    )


def has_provider_key(settings: Settings) -> bool:
    """Whether there is a key for any real provider account."""
    return any(settings.providers.named(name).api_key.get_secret_value() for name in ProviderName)


def gateway_url(settings: Settings) -> str:
    """Where this machine reaches the gateway."""
    return f"http://{_reachable(settings.gateway_host)}:{settings.gateway_port}"


def flower_url(settings: Settings) -> str:
    """Where this machine reaches Flower."""
    return f"http://{_reachable(settings.flower_host)}:{settings.flower_port}"


def sandbox_url(settings: Settings) -> str:
    """Where this machine reaches the sandbox."""
    return f"http://127.0.0.1:{settings.sandbox.port}"


def settings_environment(settings: Settings) -> dict[str, str]:
    """The `REELWORKS_*` variables from which another process reads exactly these settings."""
    return dict(_variables(settings, _PREFIX))


def write_environment(settings: Settings, path: Path) -> None:
    """Keep the `REELWORKS_*` variables of these settings in a file that only its owner reads."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in settings_environment(settings).items()))


def sandbox_environment(settings: Settings) -> dict[str, str]:
    """The sandbox's own variables: it holds the other end of the provider accounts' keys."""
    accounts = settings.providers
    kie, kling, replicate = accounts.kie, accounts.kling, accounts.replicate
    return {
        "SANDBOX_KIE_API_KEY": kie.api_key.get_secret_value(),
        "SANDBOX_KIE_WEBHOOK_HMAC_KEY": kie.webhook_key.get_secret_value(),
        "SANDBOX_KLING_API_KEY": kling.api_key.get_secret_value(),
        "SANDBOX_KLING_WEBHOOK_SECRET": kling.webhook_key.get_secret_value(),
        "SANDBOX_REPLICATE_API_KEY": replicate.api_key.get_secret_value(),
        "SANDBOX_REPLICATE_WEBHOOK_SECRET": replicate.webhook_key.get_secret_value(),
        "SANDBOX_SECONDS_PER_IMAGE": str(settings.sandbox.seconds_per_image),
        "SANDBOX_SECONDS_PER_VIDEO": str(settings.sandbox.seconds_per_video),
    }


def _with_ports(settings: Settings, *, gateway: int, flower: int, sandbox: int) -> Settings:
    update = {
        "gateway_port": gateway,
        "flower_port": flower,
        "sandbox": settings.sandbox.model_copy(update={"port": sandbox}),
    }
    return settings.model_copy(update=update)


def _reachable(host: str) -> str:
    """A wildcard is for listening; one connects to loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not listened on
    return f"[{host}]" if ":" in host else host


def _variables(model: BaseModel, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field, value in model:
        name = prefix + field.upper()
        if isinstance(value, BaseModel):
            found += _variables(value, f"{name}__")
        elif value is not None:
            found.append((name, _text(value)))
    return found


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, list | tuple | set):
        return json.dumps([str(item) for item in value])
    return str(value)
