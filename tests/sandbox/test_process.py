import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from sandbox.client import SandboxClient
from sandbox.scenarios import Match, Scenario
from stack.ports import free_port
from tests.sandbox.harness import KEY, PATIENCE_SECONDS, ROOT, Receiver, start_sandbox


@contextmanager
def begun_create(port: int, prompt: str) -> Iterator[socket.socket]:
    """A connection with a create that the server has begun to read."""
    body = json.dumps({"model": "google/nano-banana", "input": {"prompt": prompt}}).encode()
    head = (
        f"POST /kie/api/v1/jobs/createTask HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head.encode())
        # The server asks for the body once the vendor's route reads it.
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        yield connection


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_sandbox_stops_promptly_and_quietly_with_work_pending(stop: signal.Signals, receiver: Receiver) -> None:
    port = free_port()
    process = start_sandbox(port)
    base = f"http://127.0.0.1:{port}"
    create = f"{base}/kie/api/v1/jobs/createTask"
    with (
        SandboxClient(base) as sandbox,
        httpx.Client(headers={"Authorization": f"Bearer {KEY}"}, timeout=PATIENCE_SECONDS, trust_env=False) as kie,
    ):
        for word, scenario in {
            "endless": Scenario(seconds=3600),
            "late": Scenario(seconds=0, callback="late", callback_delay_seconds=3600),
            "slow": Scenario(seconds=0, bytes_per_second=10),
            "stalled": Scenario(create_latency_seconds=3600),
        }.items():
            sandbox.add_scenario(scenario.model_copy(update={"match": Match(prompt_contains=word)}))
        task_ids = {}
        for word in ("endless", "late", "slow"):
            body = {"model": "google/nano-banana", "input": {"prompt": word}, "callBackUrl": receiver.url}
            task_ids[word] = kie.post(create, json=body).json()["data"]["taskId"]
        receiver.wait_for(1)
        with (
            begun_create(port, "stalled") as stalled,
            kie.stream("GET", f"{base}/files/{task_ids['slow']}.png") as download,
        ):
            chunks = download.iter_raw()
            next(chunks)
            started = time.monotonic()
            process.send_signal(stop)
            output, _ = process.communicate(timeout=PATIENCE_SECONDS)
            stopped = time.monotonic()
            answer = b"".join(iter(lambda: stalled.recv(65536), b""))

    # The pending work would have taken an hour.
    assert stopped - started < PATIENCE_SECONDS
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert output.splitlines() == [
        f"INFO sandbox: SANDBOX on {base}: it calls no vendor, and every file from it is made up"
    ]


def test_taken_port_is_a_clear_error(sandbox_url: str) -> None:
    port = sandbox_url.rpartition(":")[2]
    finished = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", port],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert finished.returncode == 3
    assert f"('127.0.0.1', {port}): " in finished.stderr
    assert "address already in use" in finished.stderr
    assert "Traceback" not in finished.stderr
