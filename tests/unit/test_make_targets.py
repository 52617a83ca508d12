"""Every target of the Makefile works from a fresh clone: it installs what it runs."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGETS = re.findall(r"^([a-z-]+):.* ## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def lines_of(target: str, clone: Path) -> list[str]:
    """The lines that a target would run in a clone where nothing is installed."""
    # Make runs a line that calls make in spite of `--dry-run`, so Python is a command that does nothing. The variables
    # of a make that runs this test change nothing.
    command = ["env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", "--dry-run", "--always-make", "PYTHON=true", target]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_target_that_runs_tests_installs_what_they_need_first(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements", "clients", "studio"):
        (tmp_path / name).symlink_to(ROOT / name)
    found = {}
    for target in TARGETS:
        lines = lines_of(target, tmp_path)
        first = next((number for number, line in enumerate(lines) if ".venv/bin/pytest" in line.split()), None)
        if first is not None:
            found[target] = any(line.endswith("--editable .venv dev") for line in lines[:first])
    assert {"test", "test-slow", "test-gpu", "test-web", "alerts", "manifests"} <= found.keys()
    assert [target for target, is_installed in found.items() if not is_installed] == []
