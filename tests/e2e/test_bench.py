"""A quick run of the bench. Its figures mean nothing, but it must print and store them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_quick_scenario_prints_figures_and_targets_without_problem(tmp_path: Path) -> None:
    """The bench runs in a separate process, as in `make bench`."""
    figures = tmp_path / "figures.json"
    run = subprocess.run(
        [sys.executable, "-m", "bench", "overhead", "--quick", "--json", str(figures)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(figures.read_text(encoding="utf-8"))
    (outcome,) = found["outcomes"]
    assert outcome["problems"] == []
    assert all(value > 0 for measure in outcome["measures"] for value in measure["values"])
    gateway = next(part for part in outcome["parts"] if part["part"] == "gateway")
    assert gateway["cpu_seconds"][0] > 0
    assert gateway["peak_mib"] > 10
    verdicts = {target["what"]: target["verdict"] for target in found["targets"]}
    assert verdicts["callback arrival → completed, p50"] in {"met", "MISSED"}
    assert verdicts["throughput, callback mode"] == "not measured"
    # The run's folder is deleted; only the stored figures remain.
    assert [path.suffix for path in (tmp_path / ".reelworks" / "bench").iterdir()] == [".json"]
