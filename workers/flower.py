"""Runs Flower. Other machines need a login."""

import ipaddress

from schemas.settings import Settings
from workers.app import create_app


def flower_arguments(settings: Settings) -> list[str]:
    """The command line of Flower.

    Raises:
        ValueError: Flower would listen beyond this machine without a login.
    """
    login = settings.flower_basic_auth.get_secret_value()
    if not login and not _is_loopback(settings.flower_host):
        raise ValueError(
            f"Flower would listen on {settings.flower_host} without a login: "
            "set REELWORKS_FLOWER_BASIC_AUTH to user:password, or REELWORKS_FLOWER_HOST to 127.0.0.1"
        )
    arguments = [
        "flower",
        f"--address={settings.flower_host}",
        f"--port={settings.flower_port}",
        "--logging=warning",
        # Without this option, a removed node stays in the metrics for ever.
        "--purge-offline-workers=300",
        "--max-tasks=20000",
        "--task-runtime-metric-buckets=0.05,0.1,0.5,1,5,15,60,300",
    ]
    return [*arguments, f"--basic-auth={login}"] if login else arguments


def run_flower(settings: Settings) -> None:
    """Serve Flower until a signal ends the process."""
    create_app(settings, process="worker").start(flower_arguments(settings))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
