"""axe-core, which finds faults of accessibility."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page

_SOURCE = Path(__file__).parents[2] / "studio" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = "axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify(found.violations))"
_AT_REST = """
Promise.all(document.getAnimations().map(each =>
  each.effect?.getComputedTiming().endTime === Infinity ? null : each.finished.catch(() => null)))
"""


@cache
def _source() -> str:
    return _SOURCE.read_text()


def violations(page: Page) -> list[str]:
    """The rules that the page breaks now, each with the elements that break the rule."""
    page.evaluate(_AT_REST)
    devtools = page.context.new_cdp_session(page)
    try:
        # The policy of the page allows no foreign script. A script of the developer tools is outside of the policy.
        _run(devtools, _source())
        found = json.loads(_run(devtools, _RUN))
    finally:
        devtools.detach()
    return [_told(rule, node) for rule in found for node in rule["nodes"]]


def _run(devtools: CDPSession, script: str) -> Any:
    answer = devtools.send("Runtime.evaluate", {"expression": script, "awaitPromise": True, "returnByValue": True})
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


def _told(rule: dict[str, Any], node: dict[str, Any]) -> str:
    reasons = "; ".join(each["message"] for part in ("any", "all", "none") for each in node[part])
    return f"{rule['id']} at {' '.join(map(str, node['target']))}: {rule['help']}: {reasons}"
