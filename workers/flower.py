"""Runs Flower. Other machines need a login, and without a login a browser must ask for a loopback address by its name.

The login is `REELWORKS_FLOWER_BASIC_AUTH`, or Flower's own `FLOWER_AUTH` for OAuth. Flower changes workers and sends
tasks only where `REELWORKS_REMOTE_CONTROL` is `all`. `workers/flower_pages.py` changes Flower's pages.

The rule of the name stops DNS rebinding: a page of a stranger, open in a browser on this machine, gives its own name
the address 127.0.0.1, and then reads Flower as its own server.
"""

import ipaddress
import os
from typing import Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.web import Application, ErrorHandler

from schemas.errors import InvalidSettings
from schemas.settings import Settings
from workers import flower_pages
from workers.app import create_app

_SAVE_EVERY_MS = 60_000


def flower_arguments(settings: Settings) -> list[str]:
    """The command line of Flower.

    Raises:
        InvalidSettings: Flower would listen beyond this machine without a login.
    """
    login = settings.flower_basic_auth.get_secret_value()
    if not _has_login(settings) and not _is_loopback(settings.flower_host):
        raise InvalidSettings(
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
    if login:
        arguments.append(f"--basic-auth={login}")
    if settings.flower_state_file is not None:
        arguments += ["--persistent", f"--db={settings.flower_state_file}", f"--state-save-interval={_SAVE_EVERY_MS}"]
    if settings.remote_control != "all":
        # Without this option, Flower says "Shutting down!" although the worker refuses.
        arguments.append("--read-only")
    return arguments


def run_flower(settings: Settings) -> None:
    """Serve Flower until a signal ends the process."""
    if _has_login(settings):
        flower_pages.require_login_for_metrics()
    else:
        _answer_only_to_loopback_names()
    flower_pages.search_by_address()
    flower_pages.name_the_timeline()
    create_app(settings, process="worker").start(flower_arguments(settings))


def _has_login(settings: Settings) -> bool:
    return bool(settings.flower_basic_auth.get_secret_value() or os.environ.get("FLOWER_AUTH"))


def _answer_only_to_loopback_names() -> None:
    find = Application.find_handler

    def find_for_name(self: Application, request: HTTPServerRequest, **options: Any) -> HTTPMessageDelegate:
        if _is_loopback(request.host_name.strip("[]")):
            return find(self, request, **options)
        return self.get_handler_delegate(request, ErrorHandler, {"status_code": 403})

    Application.find_handler = find_for_name  # type: ignore[assignment,method-assign]  # Flower takes no rule


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
