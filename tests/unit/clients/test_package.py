"""The package as others install it."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from reelworks_client.client import VERSION

PROJECT = Path("clients/python").resolve()


@pytest.mark.slow
def test_wheel_works_alone(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "reelworks_client/py.typed" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"reelworks_client"}

    uses = (
        f"import sys; sys.path[:0] = [{str(wheel)!r}]; import reelworks_client.redis_door; print(sorted(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", uses], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "'schemas'" not in ended.stdout
    assert "'reelworks_client.redis_door'" in ended.stdout


def test_version_is_the_one_that_requests_name() -> None:
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == VERSION
