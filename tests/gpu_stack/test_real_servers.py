"""The whole system with real model servers and tiny weights. Runs in `make test-gpu`, which makes `.venv-gpu`."""

import io
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from rich.console import Console

from cli.reports.audit import run_audit
from schemas.settings import Settings
from stack.demo import DemoGeneration, customer_with
from stack.local_demo import LocalShow, run_local_demo
from stack.model_servers import ModelServers
from stack.stack import Stack
from tests.media_files.images import png
from tests.support import clean_settings

_PATIENCE_SECONDS = 600.0
_ENDS = {"completed", "failed", "cancelled"}


@pytest.fixture
def settings() -> Settings:
    return clean_settings()


@pytest.mark.timeout(2400)
def test_the_demo_shows_progress_a_cancel_and_the_same_bytes(tmp_path: Path, settings: Settings) -> None:
    written = io.StringIO()
    code = run_local_demo(settings, tmp_path, Console(file=written, width=200), audit=run_audit)
    told = written.getvalue()
    assert code == 0, told
    assert "The same seed twice: the same bytes" in told
    assert "cancelled; 0 credits taken" in told
    (line,) = [line for line in told.splitlines() if line.startswith("picture in motion: ")]
    percents = [int(part) for part in line.split() if part.isdecimal()]
    assert len(percents) > 2, "more than the begin and the end of the work"
    assert percents == sorted(percents)


@pytest.fixture
def two(tmp_path: Path, settings: Settings) -> Iterator[tuple[Stack, ModelServers]]:
    """A running system with two model servers."""
    servers = ModelServers.prepare(tmp_path, count=2)
    with Stack(tmp_path / "run", servers.wired(settings), processes=servers.processes, sandbox=False) as stack:
        yield stack, servers


@pytest.mark.timeout(2400)
def test_work_of_a_killed_server_completes_on_the_second(two: tuple[Stack, ModelServers]) -> None:
    stack, servers = two
    console = Console(file=io.StringIO())
    key = customer_with(1000, stack.settings, console)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stack.gateway_url, headers=headers, timeout=60, trust_env=False) as http:
        show = LocalShow(http, console)
        picture = f"data:image/png;base64,{b64encode(png(64, 64)).decode()}"
        # The slowest model: others may be done before anybody looks.
        order = {"model": "stable-video", "prompt": "a cat", "image_urls": [picture], "metadata": {"id": uuid4().hex}}
        generation = until(show, show.order(order), lambda now: now.stage == "generating" and now.progress > 15)
        assert generation.stage == "generating"
        working = [name for name in servers.names if jobs(servers, name)]
        (first,) = working
        stack.kill(f"model-server-{first}")
        done = until(show, generation, lambda now: now.status in _ENDS)
        balance = http.get("/v1/credits").json()
    assert (done.status, done.lost_runs) == ("completed", 1), done
    (second,) = set(servers.names) - {first}
    assert [job["status"] for job in jobs(servers, second)] == ["succeeded"]
    assert balance["held"] == 0
    assert balance["available"] == 1000 - done.credits.price
    assert run_audit(stack.settings, console)


def jobs(servers: ModelServers, name: str) -> list[dict[str, str]]:
    """What a server counts as its work: one job that has ended, or that runs."""
    port = dict(zip(servers.names, servers.ports, strict=True))[name]
    health = httpx.get(f"http://127.0.0.1:{port}/health", timeout=60, trust_env=False).json()
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60, trust_env=False).text
    succeeded = [line for line in text.splitlines() if "jobs_total" in line and "succeeded" in line]
    ended = sum(float(line.rpartition(" ")[2]) for line in succeeded)
    running = health["queued"] + health["running"]
    return [{"status": "succeeded"}] * int(ended) + [{"status": "running"}] * running


def until(show: LocalShow, generation: DemoGeneration, is_so: Callable[[DemoGeneration], bool]) -> DemoGeneration:
    """Read a generation until something is true of it, or it has ended."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while not is_so(generation) and generation.status not in _ENDS:
        assert time.monotonic() < give_up_at, generation
        time.sleep(0.05)
        generation = show.read(generation)
    return generation
