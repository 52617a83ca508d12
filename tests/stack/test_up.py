"""`up` as a process in a terminal: its output, its exit code, and the processes and files that remain."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.stack.observing import folder_of, name_of, runs, wait_for

pytestmark = pytest.mark.slow

SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
from schemas.settings import Settings
from stack.processes import Process
from stack.up import up
from tests.stack.observing import no_migration, web_server

options = json.loads(sys.argv[1])
grace = options.get("grace", 15)
extra = [Process(name, (sys.executable, "-c", code)) for name, code in options.get("extra", {}).items()]
extra += [Process(name, ("sleep", "600"), is_ready=lambda: False) for name in options.get("never_ready", [])]

if __name__ == "__main__":
    sys.exit(
        up(
            Settings(_env_file=None),
            Path(options["folder"]),
            on_ready=lambda settings: print("ready with", settings.redis_url.partition("@")[2], flush=True),
            processes=lambda settings: [replace(one, stop_seconds=grace) for one in [*web_server(settings), *extra]],
            migrate=no_migration,
            rehearsal_pause=options.get("pause"),
        )
    )
"""
SLOW_TO_STOP = """
import signal, sys, time
def leave(number, frame):
    time.sleep(6)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("listening", flush=True)
while True:
    time.sleep(0.1)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('listening', flush=True); signal.pause()"


# Far more than the time of a start, even on a busy machine.
START_SECONDS = 300.0

Start = Callable[..., "Up"]


class Up:
    """A running `up`. A thread reads its output."""

    def __init__(self, folder: Path, gateway_port: int, **options: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SCRIPT, json.dumps({"folder": str(folder), **options})],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "REELWORKS_GATEWAY_PORT": str(gateway_port),
                "REELWORKS_FLOWER_PORT": "0",
                # The sandbox does not run: there is a real key, and test keys have another sandbox.
                "REELWORKS_PROVIDERS__KIE__API_KEY": "a real key",
                "REELWORKS_TEST_KEYS__SANDBOX_URL": "http://127.0.0.1:1",
            },
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.output += line

    def wait_for(self, text: str) -> None:
        wait_for(lambda: text in self.output or self.process.poll() is not None, repr(text), START_SECONDS)
        assert text in self.output

    def everything_below(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def end(self) -> int:
        """Wait for the end. It may be that the process starts first."""
        code = self.process.wait(START_SECONDS + 30)
        self._reader.join()
        sys.stdout.write(self.output)  # pytest shows the output of a failed test
        return code


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `up` in the same folder each time. The fixture kills every `up` that still runs, and so its children."""
    ups: list[Up] = []

    def start(gateway_port: int = 0, **options: object) -> Up:
        ups.append(Up(folder_of("up", tmp_path), gateway_port, **options))
        return ups[-1]

    yield start
    for up in ups:
        up.process.kill()
        up.end()


@pytest.fixture
def up(start: Start) -> Up:
    """An `up` that is ready."""
    up = start()
    up.wait_for("ready with 127.0.0.1:")
    return up


def redis_of(up: Up) -> str:
    """The address of the Redis of an `up`."""
    return up.output.partition("ready with ")[2].partition("\n")[0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_the_whole_system(up: Up, number: signal.Signals, code: int) -> None:
    children = up.everything_below()
    assert len(children) > 5

    up.process.send_signal(number)

    assert up.end() == code
    assert not any(map(runs, children))
    assert "Traceback" not in up.output
    assert "died" not in up.output


def test_banner_shows_all_addresses_and_then_each_ready_part(up: Up, tmp_path: Path) -> None:
    banner = up.output[: up.output.index("system")].splitlines()

    assert [line.split()[0] for line in banner[1:6]] == ["gateway", "Studio", "docs", "Flower", "data"]
    assert banner[5] == f"  data     {folder_of('up', tmp_path)}"
    assert "sandbox" not in up.output

    # The vendor is on the internet and cannot reach the gateway.
    gateway = up.output.partition("gateway  ")[2].partition("\n")[0]
    assert f"  warning  kie cannot reach {gateway}: results are polled" in up.output
    assert "Set REELWORKS_PUBLIC_URL" in up.output

    told = re.findall(r"system +\| (\S+) is ready \((\d) of (\d)\)", up.output)

    assert told == [(name, str(number), "4") for number, name in enumerate(["postgres", "redis", "s3", "gateway"], 1)]
    assert up.output.index("gateway is ready") < up.output.index("ready with 127.0.0.1:")


def test_output_names_the_part_that_is_not_ready(start: Start) -> None:
    up = start(never_ready=["worker"])
    up.wait_for("system   | waiting for worker\n")
    assert "ready with" not in up.output


def test_other_commands_find_only_the_running_system(up: Up, start: Start, tmp_path: Path) -> None:
    environment = folder_of("up", tmp_path) / "environment"
    told = environment.read_text()
    assert f"REELWORKS_DATA_FOLDER='{folder_of('up', tmp_path)}'" in told
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600

    assert start().end() == 1
    assert environment.read_text() == told

    up.process.send_signal(signal.SIGINT)
    assert up.end() == 130
    assert not environment.exists()


def test_start_removes_the_environment_file_of_a_killed_run(up: Up, start: Start, tmp_path: Path) -> None:
    environment = folder_of("up", tmp_path) / "environment"
    up.process.kill()
    up.end()
    assert environment.exists()

    start(extra={"worker": "raise SystemExit(7)"}).end()

    assert not environment.exists()


def test_services_listen_on_the_same_ports_after_a_kill(up: Up, start: Start) -> None:
    up.process.kill()
    up.end()

    again = start()
    again.wait_for("ready with 127.0.0.1:")

    assert redis_of(again) == redis_of(up)


def test_error_names_a_folder_that_cannot_be_created(start: Start, tmp_path: Path) -> None:
    folder_of("up", tmp_path).write_text("a file")

    up = start()

    assert up.end() == 1
    assert up.output == (
        f"Data cannot be kept in {folder_of('up', tmp_path)} (File exists): "
        "go to a folder of yours, or set REELWORKS_DATA_FOLDER to one\n"
    )


def test_death_of_a_process_ends_the_system(start: Start) -> None:
    failing = "import time; print('out of luck', flush=True); time.sleep(0.5); raise SystemExit(7)"
    up = start(extra={"worker": failing})

    assert up.end() == 1
    assert up.output.endswith("worker died (exit code 7). Its last lines:\n    out of luck\n")
    assert "Traceback" not in up.output


def test_death_of_a_service_ends_the_system(up: Up) -> None:
    children = up.everything_below()
    [redis] = [pid for pid in children if name_of(pid).startswith("valkey")]

    os.kill(redis, signal.SIGKILL)

    assert up.end() == 1
    assert "\nredis died (killed by SIGKILL). Its last lines:\n" in up.output
    assert not any(map(runs, children))


def test_kill_9_leaves_no_process(up: Up) -> None:
    children = up.everything_below()

    up.process.kill()

    wait_for(lambda: not any(map(runs, children)), "all children have ended")


def test_error_names_a_taken_port(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        up = start(gateway_port=port)
        assert up.end() == 2

    assert up.output == (
        f"Port {port} is in use, and the gateway wants it: "
        "stop what holds it or set REELWORKS_GATEWAY_PORT to another\n"
    )


def test_error_names_the_first_copy_on_a_folder(up: Up, start: Start, tmp_path: Path) -> None:
    second = start()

    assert second.end() == 1
    assert second.output == (
        f"Another copy is running from {folder_of('up', tmp_path)} (pid {up.process.pid}): "
        "stop it first, or start this one from another folder\n"
    )


def test_worker_may_use_its_whole_time_to_stop(start: Start) -> None:
    up = start(extra={"worker": SLOW_TO_STOP})
    up.wait_for("worker   | listening")

    up.process.send_signal(signal.SIGINT)

    assert up.end() == 130
    assert "worker stopped (rc=0)" in up.output


def test_process_that_never_stops_is_killed(start: Start) -> None:
    up = start(extra={"worker": DEAF}, grace=0.5)
    up.wait_for("worker   | listening")

    up.process.send_signal(signal.SIGINT)

    assert up.end() == 130
    assert "worker stopped (rc=-9)" in up.output


def pid_file(base: Path, name: str) -> Path:
    """The file that holds the process id of a part."""
    return folder_of("up", base) / "pids" / name


@pytest.mark.parametrize("name", ["redis", "postgres", "s3", "gateway"])
def test_rehearsal_starts_a_killed_part_again(start: Start, tmp_path: Path, name: str) -> None:
    up = start(pause=0.5)
    up.wait_for("Rehearsal: a part that dies starts again after 0.5 s.")
    up.wait_for(f"kill -9 $(cat '{pid_file(tmp_path, 'redis')}')")
    killed = int(pid_file(tmp_path, name).read_text())

    os.kill(killed, signal.SIGKILL)
    up.wait_for(f"{name} is back (pid ")

    assert re.search(rf"\| ({name} )?died \(killed by SIGKILL\)\. It starts again in 0\.5 s", up.output)
    again = int(pid_file(tmp_path, name).read_text())
    assert again != killed
    assert runs(again)

    children = up.everything_below()
    up.process.send_signal(signal.SIGINT)
    assert up.end() == 130
    assert not any(map(runs, children))
    assert not pid_file(tmp_path, name).exists()


def test_rehearsal_ends_while_a_part_waits_for_its_next_start(start: Start, tmp_path: Path) -> None:
    up = start(pause=600)
    up.wait_for("Rehearsal: ")
    os.kill(int(pid_file(tmp_path, "gateway").read_text()), signal.SIGKILL)
    up.wait_for("It starts again in 600 s")

    up.process.send_signal(signal.SIGINT)

    assert up.end() == 130


def test_rehearsal_ends_when_a_part_dies_before_all_are_ready(start: Start) -> None:
    up = start(pause=0.5, extra={"worker": "raise SystemExit(7)"}, never_ready=["other"])

    assert up.end() == 1
    assert "worker died (exit code 7)" in up.output
