"""The scenarios that are about more than throughput, quickly: their figures mean nothing, but they must be there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(400)
def test_waiting_files_and_doors_are_measured_without_a_problem(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    run = subprocess.run(
        [sys.executable, "-m", "bench", "waiting", "files", "doors", "--quick", "--no-peers", "--json", str(figures)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    outcomes = json.loads(figures.read_text(encoding="utf-8"))["outcomes"]
    assert [outcome["problems"] for outcome in outcomes] == [[]] * len(outcomes)
    found = {
        (outcome["scenario"], outcome["case"], measure["what"])
        for outcome in outcomes
        if outcome["subject"] == "Reelworks"
        for measure in outcome["measures"]
    }
    assert {
        ("waiting", "2,000 wait, none due", "most growth of a process"),
        ("waiting", "2,000 wait, 200/s due", "due → polled p99"),
        ("files", "10 MB", "throughput"),
        ("doors", "HTTP, 20 at once", "creates"),
        ("doors", "status over HTTP, 20 at once", "status reads"),
        ("doors", "Redis, one sender", "creates"),
    } <= found
