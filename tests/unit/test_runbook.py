"""The runbook's table of log lines has every event that our processes log, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    *(
        "admission",
        "agents",
        "gateway",
        "intake",
        "media",
        "metrics",
        "model_server",
        "notify",
        "providers",
        "schemas",
        "storage",
        "tasks",
    ),
    "agents",
    "traces",
    "workers",
)
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})

_EVENT = re.compile(r"[a-z]+(?:_[a-z]+)*")
# uvicorn's access lines have the method as their event.
_FOR_PROGRAMMERS = frozenset({"debug"})


def logged(source: str) -> Iterator[str]:
    """The events of the log calls in a source file, other than for programmers."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        owner, level = node.func.value, node.func.attr
        is_log = isinstance(owner, ast.Name) and owner.id in {"log", "logger"}
        if is_log and level in LEVELS - _FOR_PROGRAMMERS:
            yield from _texts(node.args[1] if level == "log" else node.args[0])


def _texts(node: ast.expr) -> Iterator[str]:
    """The constants that an argument may be: a text, either side of a condition, or a member of `EventName`."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body)
            yield from _texts(orelse)


def documented(runbook: str) -> set[str]:
    """The events of the table in the section "Logs"."""
    section = runbook.partition("\n## Logs\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {event for cell in cells for event in re.findall(r"`([^`]+)`", cell)}


def test_every_event_of_the_log_is_in_the_runbook() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")] + [ROOT / "api_gateway.py"]
    events = {event for path in files for event in logged(path.read_text()) if _EVENT.fullmatch(event)}
    assert len(events) > 60
    assert sorted(events - documented((ROOT / "docs/runbook.md").read_text())) == []


def test_every_event_of_the_runbook_is_in_the_source() -> None:
    files = [path for package in (*PACKAGES, "cli", "stack") for path in (ROOT / package).rglob("*.py")]
    source = "".join(path.read_text() for path in files)
    assert [event for event in documented((ROOT / "docs/runbook.md").read_text()) if f'"{event}"' not in source] == []


def test_event_is_found_in_a_call_and_in_a_condition() -> None:
    source = 'log.info("a_b", x=1)\nlog.warning("c" if x else "d")\nlog.debug("e")\nother.info("f")'
    assert list(logged(source)) == ["a_b", "c", "d"]
