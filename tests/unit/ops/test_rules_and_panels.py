"""Rules and panels ask for metrics that exist, with the labels that they have."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics.families import FAMILIES
from metrics.labels import OTHER
from ops.dashboards import DASHBOARDS, FOLDER, text
from tests.unit.documentation import Page

RULES = Path("ops/prometheus/alerts.yml")
SCALED = Path("ops/kubernetes/autoscaling/scaled-objects.yaml")
RUNBOOK = Page(Path("docs/runbook.md"), Path("docs/runbook.md").read_text())

# Labels of targets and of histograms.
TARGETS = {"role", "process", "instance", "job", "le"}

_SERIES = re.compile(r"\b(reelworks_[a-z_]+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUP = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")
_WORDS = {
    *("sum", "max", "count", "rate", "increase", "avg_over_time", "histogram_quantile", "absent", "topk"),
    *("by", "and", "or", "unless", "bool"),
    *("up", "process_resident_memory_bytes"),
}

_BY_SERIES = {family.name + suffix: family for family in FAMILIES for suffix in family.suffixes}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def queries() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for scaled in yaml.safe_load_all(SCALED.read_text()):
        for trigger in scaled["spec"]["triggers"]:
            yield scaled["metadata"]["name"], trigger["metadata"]["query"]
    for name, panels in DASHBOARDS.items():
        for panel in panels:
            for query, _legend in panel.queries:
                yield f"{name}: {panel.title}", query


def problems(query: str) -> list[str]:
    """What a query asks for and no process has."""
    found: list[str] = []
    known = set(TARGETS)
    for name, matchers in _SERIES.findall(query):
        family = _BY_SERIES.get(name)
        if family is None:
            found.append(name)
            continue
        known.update(family.label_names)
        by_name = {label.name: label for label in family.labels}
        for label, operator, value in _MATCHER.findall(matchers):
            if label in TARGETS:
                continue
            if label not in by_name:
                found.append(f"{name}{{{label}}}")
            elif fixed := by_name[label].fixed:
                values = value.split("|") if "~" in operator else [value]
                found += [f"{name}{{{label}={each}}}" for each in values if each not in {*fixed, OTHER}]
    groups = {label.strip() for names in _GROUP.findall(query) for label in names.split(",")}
    found += sorted(groups - known)
    plain = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", _GROUP.sub(" by ", query))
    found += [
        word for word in re.findall(r"\b[a-z_][a-z0-9_]+\b", plain) if word not in _WORDS and word not in _BY_SERIES
    ]
    return found if query.count("(") == query.count(")") else [*found, "a parenthesis"]


@pytest.mark.parametrize(("name", "query"), list(queries()))
def test_a_query_names_metrics_and_labels_that_exist(name: str, query: str) -> None:
    assert problems(query) == []


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("reelworks_nothing > 0", "reelworks_nothing"),
        ("sum(rate(reelworks_stage_seconds[5m]))", "reelworks_stage_seconds"),
        ('reelworks_wakes_total{stage="queued"}', "reelworks_wakes_total{stage}"),
        ('reelworks_wakes_total{sender=~"stage|nobody"}', "reelworks_wakes_total{sender=nobody}"),
        ("sum by (model) (reelworks_wakes_total)", "model"),
        ("node_load1 > 3", "node_load1"),
        ("sum(reelworks_holds", "a parenthesis"),
    ],
)
def test_a_wrong_query_is_noticed(query: str, problem: str) -> None:
    assert problem in problems(query) or [word for word in problems(query) if problem.startswith(word)]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_leads_to_its_entry_in_the_runbook(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")

    assert (page, anchor) == ("docs/runbook.md", rule["alert"].lower())
    assert anchor in RUNBOOK.anchors
    entry = RUNBOOK.text.partition(f"### {rule['alert']}\n")[2].partition("\n#")[0]
    assert "**Look" in entry
    assert "**Do" in entry or "**Look and do" in entry
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_share_of_counts_needs_a_least_count(rule: dict[str, Any]) -> None:
    """One failure of one call is a share of 100 %."""
    share, _, count = rule["expr"].partition(" and ")
    if "rate(" in share and " / " in share:
        # The count is of the events above the line.
        events = share.partition(" / ")[0].replace("rate(", "increase(")
        assert re.fullmatch(re.escape(events) + r" >= [1-9]\d*", count)


def test_the_runbook_has_no_entry_of_an_alert_that_is_gone() -> None:
    entries = re.findall(r"^### (Reelworks\w+)$", RUNBOOK.text, re.MULTILINE)

    assert sorted(entries) == sorted(rule["alert"] for rule in rules())


def test_the_configuration_reads_the_rules() -> None:
    configuration = yaml.safe_load(Path("ops/prometheus/prometheus.yml").read_text())

    assert configuration["rule_files"] == [RULES.name]
    assert {job["job_name"] for job in configuration["scrape_configs"]} == {"reelworks"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_files_of_the_dashboards_are_current(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text() == text(name), "run `python -m ops.dashboards`"


def test_no_dashboard_is_left_over() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(DASHBOARDS)


@pytest.mark.parametrize(
    ("name", "least"),
    [("ReelworksFailures", 5), ("ReelworksGatewayErrors", 10), ("ReelworksCallbacksMissing", 3)],
)
def test_a_share_of_few_events_fires_no_alert(name: str, least: int) -> None:
    [expression] = [rule["expr"] for rule in rules() if rule["alert"] == name]
    share, count = expression.split(" and ")

    assert " / " in share
    assert "increase(" in count
    assert count.endswith(f" >= {least}")
