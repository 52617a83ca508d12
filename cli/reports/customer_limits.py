"""The share and the limits of a customer, with what is used."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console

from cli.reports.rows import show_json

if TYPE_CHECKING:
    from storage.quota_settings import CustomerLimits


def show_customer_limits(limits: "CustomerLimits", console: Console, *, as_json: bool) -> None:
    """Print the limits of a customer: a line each, or one JSON document."""
    quota, used = limits.quota, limits.used
    if as_json:
        show_json({"weight": limits.weight, **asdict(quota), "used": asdict(used)}, console)
        return
    lines = {
        "weight": f"{limits.weight:g}",
        "in flight": _of(used.in_flight, quota.in_flight),
        "per day": _of(used.today, quota.per_day),
        "credits per day": _of(used.credits_today, quota.credits_per_day),
        "over a limit": quota.on_limit.value,
    }
    for name, text in lines.items():
        console.print(f"{name:<16}{text}", highlight=False)


def _of(used: int, most: int | None) -> str:
    return "no limit" if most is None else f"{used} of {most}"
