"""Writes the dashboards of ops/grafana from the table below: `python -m ops.dashboards`.

A panel is a title, a unit and queries with legends. The tests compare the files with this table, and every name in a
query with the metrics. The dashboards were not opened in Grafana.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "grafana"

_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 3
_SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True)
class Panel:
    """A graph."""

    title: str
    """The title."""
    unit: str
    """Grafana's name of the unit."""
    queries: Sequence[tuple[str, str]]
    """Each query with its legend."""


def _p(name: str, by: str, share: float) -> str:
    """A quantile of a histogram."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate(reelworks_{name}_bucket[$__rate_interval])))"


def _rate(name: str, by: str, labels: str = "") -> str:
    return f"sum by ({by}) (rate(reelworks_{name}{labels}[$__rate_interval]))"


OVERVIEW: Final = (
    Panel("Unfinished by stage", "short", [("sum by (stage) (reelworks_generations)", "{{stage}}")]),
    Panel("Age of the oldest", "s", [("max by (stage) (reelworks_oldest_seconds)", "{{stage}}")]),
    Panel("Due, and nobody takes it", "s", [("max by (stage) (reelworks_runnable_oldest_seconds)", "{{stage}}")]),
    Panel("Ended", "ops", [(_rate("ended_total", "status"), "{{status}}")]),
    Panel("Failures by cause", "ops", [(_rate("ended_total", "cause", '{status="failed"}'), "{{cause}}")]),
    Panel("Time to the end, p50 and p95", "s", [
        (_p("generation_seconds", "kind", 0.5), "{{kind}} p50"),
        (_p("generation_seconds", "kind", 0.95), "{{kind}} p95"),
    ]),
    Panel("Time in each stage, p95", "s", [(_p("stage_seconds", "stage", 0.95), "{{stage}}")]),
    Panel("Queues", "short", [("max by (queue) (reelworks_queue_messages)", "{{queue}}")]),
    Panel("Steps without success", "ops", [(_rate("steps_total", "outcome", '{outcome!="advance"}'), "{{outcome}}")]),
    Panel("Wake-ups", "ops", [
        (_rate("wakes_total", "sender"), "{{sender}}"),
        (_rate("wakes_not_sent_total", "role"), "not sent by {{role}}"),
    ]),
    Panel("Leases lost, fences hit", "ops", [
        (_rate("leases_lost_total", "role"), "lost by {{role}}"),
        (_rate("fences_hit_total", "fence"), "{{fence}}"),
    ]),
    Panel("Variants are late", "s", [("max(reelworks_variants_due_seconds)", "oldest that is due")]),
    Panel("Stored", "Bps", [(_rate("stored_bytes_total", "kind"), "{{kind}}")]),
)  # fmt: skip

PROVIDERS: Final = (
    Panel("Calls by answer", "ops", [(_rate("provider_calls_total", "provider, answer"), "{{provider}} {{answer}}")]),
    Panel("Length of calls, p95", "s", [
        (_p("provider_call_seconds", "provider, call", 0.95), "{{provider}} {{call}}"),
    ]),
    Panel("Time at the provider, p50", "s", [(_p("render_seconds", "provider", 0.5), "{{provider}}")]),
    Panel("In flight and the limit", "short", [
        ('sum by (provider) (reelworks_admissions{place="granted"})', "{{provider}}"),
        ("max by (provider) (reelworks_account_limit)", "{{provider}} limit"),
    ]),
    Panel("Waiting and held", "short", [
        ('sum by (provider) (reelworks_admissions{place="waiting"})', "{{provider}} waiting"),
        ("sum by (held_by) (reelworks_admissions_held)", "held: {{held_by}}"),
    ]),
    Panel("Wait for a place", "s", [
        ('max by (provider) (reelworks_admission_oldest_seconds{place="waiting"})', "{{provider}} oldest"),
        (_p("admission_wait_seconds", "role", 0.95), "{{role}} p95"),
    ]),
    Panel("Who found the end", "ops", [(_rate("ends_found_total", "provider, found_by"), "{{provider}} {{found_by}}")]),
    Panel("Callbacks", "ops", [(_rate("callbacks_total", "provider, verdict"), "{{provider}} {{verdict}}")]),
    Panel("Open routes, closed accounts", "short", [
        ("sum by (provider) (reelworks_routes_open)", "{{provider}} routes"),
        ("max by (provider) (reelworks_account_closed_seconds)", "{{provider}} closed, s"),
    ]),
    Panel("Runs lost by servers of your own", "ops", [(_rate("runs_lost_total", "provider"), "{{provider}}")]),
)  # fmt: skip

DOORS: Final = (
    Panel("Requests by answer", "reqps", [(_rate("http_requests_total", "answer"), "{{answer}}")]),
    Panel("Busiest routes", "reqps", [(f"topk(10, {_rate('http_requests_total', 'route')})", "{{route}}")]),
    Panel("Length of requests, p95", "s", [(_p("http_request_seconds", "door", 0.95), "{{door}}")]),
    Panel("Orders", "ops", [(_rate("orders_total", "kind, role"), "{{role}} {{kind}}")]),
    Panel("Redis door", "ops", [(_rate("door_requests_total", "served"), "{{served}}")]),
    Panel("Webhooks", "ops", [(_rate("webhook_tries_total", "result"), "{{result}}")]),
    Panel("Events and webhooks are late", "s", [
        ("max(reelworks_stream_lag_seconds)", "stream"), ("max(reelworks_webhooks_due_seconds)", "webhooks"),
    ]),
    Panel("Credits on hold", "short", [
        ("max(reelworks_held_credits)", "balances"),
        ("max(reelworks_holds_credits)", "generations"),
    ]),
    Panel("Memory", "bytes", [("max by (role, process) (process_resident_memory_bytes)", "{{process}}")]),
)  # fmt: skip

DASHBOARDS: Final = {"overview": OVERVIEW, "providers": PROVIDERS, "doors": DOORS}


def document(name: str, panels: Sequence[Panel]) -> dict[str, object]:
    """A dashboard, as Grafana imports it."""
    return {
        "uid": f"reelworks-{name}",
        "title": f"Reelworks: {name}",
        "tags": ["reelworks"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Data source"}]
        },
        "panels": [_graph(number, panel) for number, panel in enumerate(panels)],
    }


def _graph(number: int, panel: Panel) -> dict[str, object]:
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(panel.queries)
        ],
    }


def text(name: str) -> str:
    """The file of a dashboard."""
    return json.dumps(document(name, DASHBOARDS[name]), indent=2) + "\n"


def main() -> None:
    """Write every dashboard."""
    FOLDER.mkdir(exist_ok=True)
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(text(name))


if __name__ == "__main__":
    main()
