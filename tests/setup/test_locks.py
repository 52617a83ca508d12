"""A lock names everything that its packages ask for: an installer that resolves nothing adds nothing."""

import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.setup.local_index import read_pins

PROJECT = Path(__file__).parents[2]
REQUIREMENTS = PROJECT / "requirements"
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())

BACKEND = PYPROJECT["build-system"]["requires"]
DEPENDENCIES = PYPROJECT["project"]["dependencies"]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
# Another environment has these.
OF_THE_GPU = EXTRAS.pop("gpu")

# What each lock is for. The benches' locks name packages that are not installed here, so nothing is known of them.
ASKED = {
    "run": [*DEPENDENCIES, *EXTRAS["mcp"], *EXTRAS["otel"], *EXTRAS["top"]],
    "local": [*DEPENDENCIES, *EXTRAS["local"], *EXTRAS["mcp"], *EXTRAS["top"], *BACKEND],
    "dev": [*DEPENDENCIES, *(line for lines in EXTRAS.values() for line in lines), *BACKEND],
    "build": BACKEND,
    "uv": ["uv"],
}


def missing(asked: list[str], locked: dict[str, str]) -> set[str]:
    """The requirements, the packages' own included, that no pin satisfies."""
    found, seen = set(), set()
    waiting = [Requirement(line) for line in asked]
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen or not _applies(requirement, ""):
            continue
        seen.add(str(requirement))
        name = canonicalize_name(requirement.name)
        if name not in locked or not requirement.specifier.contains(Version(locked[name]), prereleases=True):
            found.add(str(requirement))
            continue
        own = [Requirement(line) for line in requires(name) or []]
        for extra in ["", *requirement.extras]:
            for each in own:
                if _applies(each, extra):
                    each.marker = None
                    waiting.append(each)
    return found


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


@pytest.mark.parametrize("lock", ASKED)
def test_a_lock_names_every_package_and_extra_that_the_installed_metadata_asks_for(lock: str) -> None:
    locked = {pin.name: pin.version for pin in read_pins(REQUIREMENTS / f"{lock}.txt") if pin.is_needed_here}
    assert missing(ASKED[lock], locked) == set()


def test_a_package_that_only_an_extra_asks_for_is_missed() -> None:
    locked = {pin.name: pin.version for pin in read_pins(REQUIREMENTS / "run.txt") if pin.is_needed_here}
    del locked["requests"]
    assert any(line.startswith("requests") for line in missing(["google-auth[requests]"], locked))


def test_a_package_has_one_version_in_all_locks_of_the_project() -> None:
    everything = set(read_pins(REQUIREMENTS / "dev.txt"))
    for lock in ASKED:
        assert set(read_pins(REQUIREMENTS / f"{lock}.txt")) <= everything, lock


def test_no_lock_names_an_index() -> None:
    for lock in REQUIREMENTS.glob("*.txt"):
        assert "://" not in lock.read_text(), lock.name


def test_the_lock_of_the_gpu_names_all_but_torch_and_the_versions_of_the_others() -> None:
    pins = {pin.name: pin.version for pin in read_pins(REQUIREMENTS / "gpu.txt")}
    asked = {canonicalize_name(Requirement(line).name) for line in OF_THE_GPU}
    assert asked - pins.keys() == {"torch"}
    assert not [name for name in pins if name.startswith(("nvidia-", "torch", "triton"))]
    torch = (REQUIREMENTS / "torch.txt").read_text().splitlines()[-1]
    (wanted,) = (Requirement(line) for line in OF_THE_GPU if line.startswith("torch"))
    assert wanted.specifier.contains(Version(torch.removeprefix("torch==")))
    everything = {pin.name: pin.version for pin in read_pins(REQUIREMENTS / "dev.txt") if pin.is_needed_here}
    shared = {pin.name: pin.version for pin in read_pins(REQUIREMENTS / "gpu.txt") if pin.is_needed_here}
    assert {name: version for name, version in shared.items() if everything.get(name, version) != version} == {}
