"""What the logs of a run say of our own errors."""

import json
from pathlib import Path

from drills.chaos.checks.book import Breach
from drills.chaos.checks.logs import crashes, errors


def crash(generation: str, error: str) -> dict[str, str]:
    trace = f"Traceback (most recent call last):\n  File, line 1\n{error}\n"
    return {
        "event": "stage_crashed", "level": "error", "stage": "downloading", "generation_id": generation,
        "exception": trace,
    }  # fmt: skip


def test_each_error_that_crashed_a_step_is_one_breach(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    lines = [
        crash("1", "KeyError: 'size_bytes'"),
        crash("2", "KeyError: 'size_bytes'"),
        crash("3", "ValueError: no"),
        {"event": "service_unavailable", "level": "error"},
    ]
    log.write_text("\n".join(["no JSON", *(json.dumps(line) for line in lines)]))
    assert crashes([log]) == [
        Breach("1", "a step of downloading crashed: KeyError: 'size_bytes'"),
        Breach("3", "a step of downloading crashed: ValueError: no"),
    ]
    assert errors([log]) == {"stage_crashed": 3, "service_unavailable": 1}
