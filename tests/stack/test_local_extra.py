import re
import tomllib
from pathlib import Path

from stack.local_extra import PACKAGES, missing

# Only tests and benches use this package.
NO_SERVERS = {"psutil"}


def test_checked_packages_are_the_packages_of_the_extra() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[;! ]", wanted)[0] for wanted in project["optional-dependencies"]["local"]}
    assert set(PACKAGES) == names - NO_SERVERS


def test_no_package_is_missing_in_the_test_environment() -> None:
    assert missing() == []
