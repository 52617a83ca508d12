"""The wheel outside the checkout: installed into an empty environment, used in a folder of the user's.

The environment gets the wheel alone; its dependencies are those of the running environment, so nothing is downloaded.
"""

import os
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from schemas.settings import Settings
from stack.local_extra import PACKAGES
from stack.ports import free_port
from stack.stack import Stack
from stack.workers import Workers
from storage.database import Database
from tests.e2e.conftest import own_places
from tests.support import eventually
from workers.roles import Role

ROOT = Path(__file__).parents[2]
FREE_PORTS = {f"REELWORKS_{name}": "0" for name in ("GATEWAY_PORT", "FLOWER_PORT", "SANDBOX__PORT")}
# Modules of ours, by names that a user's folder may well have.
NAMES = ("cli", "gateway", "providers", "sandbox", "schemas", "stack", "storage", "tasks", "workers")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel."""

    environment: Path

    @property
    def site_packages(self) -> Path:
        """Where the wheel's files are."""
        scheme = {"base": str(self.environment), "platbase": str(self.environment)}
        return Path(sysconfig.get_path("purelib", "venv", scheme))

    def depend_on(self, folder: Path) -> None:
        """Let it find its dependencies in this folder."""
        (self.site_packages / "dependencies.pth").write_text(f"{folder}\n")

    def command(self, *arguments: str) -> list[str]:
        """The command line of `reelworks`."""
        return [str(self.environment / "bin" / "reelworks"), *arguments]

    def run(self, folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """What a command says in a folder, with these variables alone."""
        return subprocess.run(
            self.command(*arguments),
            cwd=folder,
            env=_environment(variables),
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def running(self, folder: Path, *arguments: str, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A command that goes on; its output is in `folder/out`. Killed at the end if it still runs."""
        with (folder / "out").open("wb") as output:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=folder,
                env=_environment(variables),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()


def _environment(variables: dict[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
    return kept | variables


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this checkout, installed as a user would."""
    folder = tmp_path_factory.mktemp("the wheel")  # a path with a space
    _must("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    [wheel] = folder.glob("reelworks-*.whl")
    venv.create(folder / "environment", with_pip=True)
    installed = Installed(folder / "environment")
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    _must(*pip, str(wheel), python=str(installed.environment / "bin" / "python"))
    installed.depend_on(Path(sysconfig.get_path("purelib")))
    return installed


def _must(*arguments: str, python: str = sys.executable) -> None:
    done = subprocess.run([python, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the user's, with code of the user's under the names of ours."""
    folder = tmp_path / "my films"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text("raise RuntimeError('the code of the user')\n")
    return folder


def entries(folder: Path) -> list[str]:
    """What was added to the user's folder."""
    return sorted(entry.name for entry in folder.iterdir() if entry.name.removesuffix(".py") not in NAMES)


def test_commands_work_against_services_that_are_given(installed: Installed, services: Stack, folder: Path) -> None:
    port = free_port()
    settings = own_places(services, "wheel", 4).model_copy(update={"gateway_port": port})
    variables = variables_of(settings)
    assert "Turn generation requests into" in installed.run(folder, "--help").stdout
    assert "nano-banana" in installed.run(folder, "models").stdout

    migrated = installed.run(folder, "migrate", **variables)
    assert migrated.stdout == "The database and the bucket are ready.\n", migrated.stderr
    database = Database(settings.database_url)
    database.ping()
    database.dispose()
    with installed.running(folder, "gateway", **variables) as process:
        eventually(lambda: _status(f"http://127.0.0.1:{port}/readyz"), lambda status: status == httpx.codes.OK)
        process.send_signal(signal.SIGTERM)
        process.wait(300)
    with installed.running(folder, "worker", "--role", "control", **variables) as process:
        eventually(lambda: Workers(settings).serves(Role.CONTROL), bool)
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
    assert "the code of the user" not in (folder / "out").read_text()
    assert entries(folder) == ["out"]


def test_up_runs_in_the_users_folder_and_other_commands_find_it(installed: Installed, folder: Path) -> None:
    with installed.running(folder, "up", **FREE_PORTS) as process:
        out = folder / "out"
        eventually(lambda: process.poll() is not None or "Reelworks is ready. " in out.read_text(), bool)
        assert process.poll() is None, out.read_text()
        assert installed.run(folder, "urls", "redis").stdout.startswith("redis://:")
        assert "passed" in installed.run(folder, "audit").stdout
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 128 + signal.SIGINT
    assert entries(folder) == [".reelworks", "out"]


def test_the_demo_keeps_its_data_in_the_folder_that_is_set(installed: Installed, folder: Path, tmp_path: Path) -> None:
    shown = installed.run(folder, "demo", "--provider", "kie", REELWORKS_DATA_FOLDER=str(tmp_path / "data"))

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Audit passed" in shown.stdout
    assert list((tmp_path / "data" / "demo").glob("*/media/kie.*"))
    assert entries(folder) == []


@pytest.fixture
def without_extra(installed: Installed, tmp_path: Path) -> Iterator[Installed]:
    """The dependencies without those of the extra `local`."""
    complete = Path(sysconfig.get_path("purelib"))
    hidden = tuple(name.replace("-", "_") for name in PACKAGES)
    bare = tmp_path / "bare"
    bare.mkdir()
    for entry in complete.iterdir():
        if not entry.name.startswith(hidden):
            (bare / entry.name).symlink_to(entry)
    installed.depend_on(bare)
    yield installed
    installed.depend_on(complete)


@pytest.mark.parametrize("command", ["up", "demo"])
def test_without_the_extra_a_command_says_what_to_install(without_extra: Installed, folder: Path, command: str) -> None:
    refused = without_extra.run(folder, command)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "install reelworks[local]" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert entries(folder) == []
    assert "nano-banana" in without_extra.run(folder, "models").stdout


def variables_of(settings: Settings) -> dict[str, str]:
    """What a user sets for services of their own."""
    return {
        "REELWORKS_DATABASE_URL": settings.database_url.replace("+psycopg", ""),
        "REELWORKS_REDIS_URL": settings.redis_url,
        "REELWORKS_S3__ENDPOINT": settings.s3.endpoint,
        "REELWORKS_S3__ACCESS_KEY": settings.s3.access_key,
        "REELWORKS_S3__SECRET_KEY": settings.s3.secret_key.get_secret_value(),
        "REELWORKS_S3__SECURE": "false",
        "REELWORKS_GATEWAY_PORT": str(settings.gateway_port),
    }


def _status(url: str) -> int:
    try:
        return httpx.get(url, trust_env=False).status_code
    except httpx.TransportError:
        return 0
