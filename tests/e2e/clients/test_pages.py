"""Runs the examples of docs/clients.md, and the first of each client's README."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.clients.conftest import Buyer
from tests.e2e.clients.test_node import CLIENTS, NODE
from tests.e2e.conftest import System

PAGE = Path("docs/clients.md")

PYTHON = (sys.executable, "-c")
JAVASCRIPT = (str(NODE), "--input-type=module", "--eval")


def blocks(page: Path, language: str) -> list[str]:
    """The examples of a language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def check(command: Sequence[str], script: str, folder: Path, system: System, api_key: str) -> str:
    """The output of a script, which must succeed."""
    ended = subprocess.run(
        [*command, script],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(CLIENTS / "python"),
            "GATEWAY": system.stack.gateway_url,
            "KEY": api_key,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def first(page: Path, language: str, names: dict[str, str]) -> str:
    """The first example of a README, with the names of the test's system."""
    script = blocks(page, language)[0]
    for name, value in names.items():
        assert name in script
        script = script.replace(name, value)
    return script


@pytest.fixture
def in_clients(tmp_path: Path) -> Path:
    """A folder in which Node finds our packages."""
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    return tmp_path


@pytest.mark.slow
def test_page_in_python(system: System, tmp_path: Path) -> None:
    script = "\n".join(blocks(PAGE, "python"))
    names = check(PYTHON, script, tmp_path, system, system.customer().api_key).split()
    pictures = [tmp_path / name for name in ["python.png", *names]]
    assert len(pictures) == 4
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


@pytest.mark.npm
def test_page_in_javascript(system: System, in_clients: Path) -> None:
    script = "\n".join(blocks(PAGE, "js"))
    output = check(JAVASCRIPT, script, in_clients, system, system.customer().api_key)
    assert (in_clients / "js.png").read_bytes().startswith(b"\x89PNG")
    assert output.count("completed") == 4


@pytest.mark.slow
def test_readme_in_python(buyer: Buyer, tmp_path: Path) -> None:
    system, key = buyer.system, buyer.customer.api_key
    names = {"https://reelworks.example": system.stack.gateway_url, "rw_…": key, "a paper boat": buyer.prompt}
    check(PYTHON, first(CLIENTS / "python" / "README.md", "python", names), tmp_path, system, key)
    assert (tmp_path / "boat.mp4").stat().st_size > 0


@pytest.mark.npm
def test_readme_in_javascript(buyer: Buyer, in_clients: Path) -> None:
    system, key = buyer.system, buyer.customer.api_key
    names = {
        "'https://reelworks.example'": "process.env.GATEWAY",
        "REELWORKS_API_KEY": "KEY",
        "a paper boat": buyer.prompt,
    }
    output = check(JAVASCRIPT, first(CLIENTS / "js" / "README.md", "js", names), in_clients, system, key)
    assert "100 completed" in output
    assert "blob:" in output
