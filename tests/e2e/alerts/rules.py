"""A copy of the shipped rules in which a fault fires an alert within seconds.

Each time that a condition must hold becomes a second, each window 15 s, and the thresholds of `LOWER` are lower. The
expressions stay as they are else.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from drills.monitoring.servers import OPS

WINDOW: Final = "15s"
"""The length of each window of the copy. Panels take their rates over the same time."""

LOWER: Final[Mapping[str, tuple[str, str]]] = {
    "ReelworksLeasesLost": ("> 10", "> 2"),
    "ReelworksNobodyTakesWork": ("> 60", "> 2"),
    "ReelworksStuck": ("> 300", "> 3"),
    "ReelworksVariantsLate": ("> 900", "> 3"),
    "ReelworksFailures": (">= 5", ">= 1"),
    "ReelworksProviderFails": (">= 5", ">= 1"),
    "ReelworksCallbacksMissing": (">= 3", ">= 1"),
    "ReelworksGatewayErrors": (">= 10", ">= 1"),
    "ReelworksQueueFull": (">= 64", ">= 4"),
    "ReelworksRouteOpen": ("> 300", "> 2"),
    "ReelworksWaitsForAccount": ("> 3600", "> 2"),
    "ReelworksRequestsWait": ("> 1000", "> 3"),
    "ReelworksStreamLate": ("> 60", "> 2"),
    "ReelworksWebhooksLate": ("> 300", "> 2"),
}
"""The alerts with another threshold in the copy: the shipped one, and that of the copy. All others keep theirs."""

_WINDOW: Final = re.compile(r"\[\d+m(:?)\]")


def names() -> list[str]:
    """The names of the shipped alerts."""
    return [rule["alert"] for rule in _rules(_shipped())]


def quick_copy() -> str:
    """The text of the copy."""
    document = _shipped()
    for rule in _rules(document):
        shipped, lower = LOWER.get(rule["alert"], ("", ""))
        if not rule["expr"].endswith(shipped):
            raise ValueError(f"{rule['alert']} does not end with {shipped}: correct the table")
        rule["expr"] = _WINDOW.sub(rf"[{WINDOW}\1]", rule["expr"].removesuffix(shipped) + lower)
        rule["for"] = "0s" if rule["for"] == "0m" else "1s"
    return yaml.safe_dump(document, sort_keys=False, width=1000)


def _shipped() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((OPS / "alerts.yml").read_text())
    return document


def _rules(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in document["groups"] for rule in group["rules"]]
