import re
import tomllib
from pathlib import Path

from stack.local_extra import PACKAGES, missing

# For tests and benches alone.
NO_SERVERS = {"psutil"}


def test_the_packages_are_those_of_the_extra() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[;! ]", wanted)[0] for wanted in project["optional-dependencies"]["local"]}
    assert set(PACKAGES) == names - NO_SERVERS


def test_nothing_is_missing_here() -> None:
    assert missing() == []
