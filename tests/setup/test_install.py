"""A set-up takes exactly what its lock names, whatever was published since."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.setup.local_index import LocalIndex, read_pins

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]

PROJECT = Path(__file__).parents[2]
# Its packages have a version and no hash.
BESIDE = "torch"
LOCKS = sorted(path.stem for path in (PROJECT / "requirements").glob("*.txt") if path.stem != BESIDE)

# The Makefile's targets, with the environment that each fills and its lock.
TARGETS = [
    (".venv/installed", ".venv", "dev"),
    (".venv/runnable", ".venv", "local"),
    (".venv-peers/installed", ".venv-peers", "peers"),
    (".venv-litellm/installed", ".venv-litellm", "litellm"),
    (".venv-gpu/installed", ".venv-gpu", "gpu"),
]

# What `python -m venv` and the set-up itself bring.
BROUGHT = {"pip", "setuptools", "uv"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LocalIndex:
    """An index with everything that any lock names."""
    return LocalIndex(tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="module")
def locks(index: LocalIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder requirements/, whose locks have the hashes of the index's wheels."""
    folder = tmp_path_factory.mktemp("locks") / "requirements"
    shutil.copytree(PROJECT / "requirements", folder)
    for lock in LOCKS:
        index.rewrite(folder / f"{lock}.txt")
    for pin in read_pins(folder / f"{BESIDE}.txt"):
        index.publish(pin)
    return folder


@pytest.fixture
def checkout(locks: Path, tmp_path: Path) -> Path:
    """What a set-up reads of a fresh clone, in a path with a space."""
    folder = tmp_path / "a fresh clone"
    shutil.copytree(locks, folder / "requirements")
    for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE"):
        if (PROJECT / name).exists():
            shutil.copy(PROJECT / name, folder)
    return folder


def set_up(checkout: Path, index: LocalIndex, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the set-up, with nothing but the local index to install from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "MAKE"))}
    environment = {
        **kept,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index.url,
        "PIP_NO_CACHE_DIR": "1",
        "UV_DEFAULT_INDEX": index.url,
        "UV_CACHE_DIR": str(checkout.parent / "uv-cache"),
        "UV_NO_CONFIG": "1",
    }
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def spaced_python(checkout: Path) -> Path:
    """This Python, under a path with a space."""
    python = checkout.parent / "a python" / "python3"
    if not python.exists():
        python.parent.mkdir()
        python.symlink_to(Path(sys.executable).resolve())
    return python


def installed(environment: Path) -> dict[str, str]:
    """The versions in an environment, by package, without what every environment has and without the project."""
    [packages] = environment.glob("lib/python*/site-packages")
    found = {canonicalize_name(each.name): each.version for each in distributions(path=[str(packages)])}
    return {name: version for name, version in found.items() if name not in {*BROUGHT, "reelworks"}}


def locked(lock: Path) -> dict[str, str]:
    """The versions that a lock names for this Python."""
    return {pin.name: pin.version for pin in read_pins(lock) if pin.is_needed_here and pin.name not in BROUGHT}


@pytest.mark.parametrize(
    ("target", "environment", "lock", "options"),
    [*((*target, []) for target in TARGETS), (*TARGETS[0], ["INSTALLER=pip"])],
    ids=[*(target[2] for target in TARGETS), f"{TARGETS[0][2]}-pip"],
)
def test_make_installs_exactly_what_the_lock_names(
    checkout: Path, index: LocalIndex, target: str, environment: str, lock: str, options: list[str]
) -> None:
    done = set_up(checkout, index, "make", target, f"PYTHON={spaced_python(checkout)}", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    beside = locked(checkout / "requirements" / f"{BESIDE}.txt") if lock == "gpu" else {}
    assert installed(checkout / environment) == locked(checkout / "requirements" / f"{lock}.txt") | beside
    assert (checkout / environment / "bin" / "reelworks").exists() == (environment in {".venv", ".venv-gpu"})


@pytest.mark.parametrize("lock", ["run", "build"])
def test_the_images_environments_hold_exactly_what_their_locks_name(
    checkout: Path, index: LocalIndex, lock: str
) -> None:
    assert (
        f"requirements/install.py /opt/{'reelworks' if lock == 'run' else lock} {lock}"
        in (PROJECT / "Dockerfile").read_text()
    )
    done = set_up(checkout, index, sys.executable, "requirements/install.py", "image", lock)
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed(checkout / "image") == locked(checkout / "requirements" / f"{lock}.txt")


def test_a_demo_removes_nothing_that_the_tests_need(checkout: Path, index: LocalIndex) -> None:
    everything = locked(checkout / "requirements" / "dev.txt")
    assert set_up(checkout, index, "make", "setup", f"PYTHON={spaced_python(checkout)}").returncode == 0
    (checkout / "requirements" / "local.txt").touch()
    done = set_up(checkout, index, "make", ".venv/runnable", f"PYTHON={spaced_python(checkout)}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed(checkout / ".venv") == everything


def test_a_file_that_the_lock_does_not_know_is_refused(checkout: Path, index: LocalIndex) -> None:
    lock = checkout / "requirements" / "build.txt"
    lock.write_text(lock.read_text().replace("--hash=sha256:", "--hash=sha256:0000", 1)[: -len("0000")])
    done = set_up(checkout, index, sys.executable, "requirements/install.py", "image", "build")
    assert done.returncode != 0
    assert "Not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_set_up_that_was_interrupted_is_begun_again(checkout: Path, index: LocalIndex) -> None:
    half_made = checkout / ".venv" / "bin"
    half_made.mkdir(parents=True)
    (half_made / "python").write_text("")
    done = set_up(checkout, index, "make", ".venv/runnable", f"PYTHON={spaced_python(checkout)}")
    assert done.returncode == 0, done.stdout + done.stderr
