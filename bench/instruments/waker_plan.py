"""Asks PostgreSQL for the cost of the waker's query. The query is rolled back and wakes nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.enums import Stage
from schemas.setting_groups import PipelineSettings
from storage import generations
from storage.database import Database
from storage.sql import of, returns

_STATEMENT = returns(str)(f"EXPLAIN (ANALYZE, BUFFERS) {generations.TAKE_DUE.text}")
_NODE = re.compile(
    r"(?P<indent> *)(?:->  )?(?P<name>\S.*?)  \(.*"
    r"actual time=\S+\.\.(?P<ms>\S+) rows=(?P<rows>\S+) loops=(?P<loops>\d+)\)"
)


@dataclass(frozen=True)
class Plan:
    """One execution of the waker's query for polls."""

    milliseconds: float
    """Planning and execution time."""
    lines: Sequence[str]
    """The query plan, a line for each node."""


def explain(database: Database, pipeline: PipelineSettings) -> Plan:
    """Execute the query as the waker does with an empty queue, and roll it back."""
    with database.transaction() as session:
        lines = of(session).all(
            _STATEMENT,
            stages=[Stage.GENERATING.value],
            limit=pipeline.queue_target,
            resend_after=pipeline.resend_after_seconds,
        )
        session.rollback()
    total = sum(float(line.split(":")[1].removesuffix("ms")) for line in lines if line.startswith(_TIMES))
    return Plan(total, [short for line in lines if (short := _short(line))])


_TIMES = ("Planning Time:", "Execution Time:")


def _short(line: str) -> str | None:
    node = _NODE.match(line)
    if node is None:
        return None
    loops = "" if node["loops"] == "1" else f", {node['loops']} times"
    return f"{node['indent']}{node['name']}: {float(node['rows']):g} rows, {node['ms']} ms{loops}"
