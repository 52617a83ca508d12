"""Finished jobs are sent, signed as Standard Webhooks."""

import json
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.gpu.running import STEADY, server

_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class _Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.got: Queue[tuple[dict[str, str], bytes]] = Queue()
        self.answers: list[int] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.end_headers()
        self.server.got.put(({name.lower(): value for name, value in self.headers.items()}, body))

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def receiver() -> Iterator[_Receiver]:
    with _Receiver() as found:
        Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def test_finished_and_cancelled_jobs_are_sent_with_a_signature(
    weights: Path, tmp_path: Path, receiver: _Receiver
) -> None:
    url = f"http://127.0.0.1:{receiver.server_port}/hook"
    receiver.answers = [500]
    with server(weights / "models.toml", tmp_path / "state", environment={"MODEL_SERVER_WEBHOOK_KEY": _KEY}) as models:
        job_id = models.created("sent", webhook_url=url)
        ended = models.ended(job_id)
        # The first try was answered with 500.
        tries = [receiver.got.get(timeout=STEADY) for _ in range(2)]
        for headers, body in tries:
            assert Webhook(_KEY).verify(body, headers) == ended
            assert headers["webhook-id"] == job_id
            with pytest.raises(Exception, match="No matching signature"):
                Webhook("whsec_" + "A" * 32).verify(body, headers)
        cancelled = models.created("cancelled", webhook_url=url, steps=1000)
        models.cancel(cancelled)
        _, body = receiver.got.get(timeout=STEADY)
        assert (json.loads(body)["id"], json.loads(body)["status"]) == (cancelled, "cancelled")


def test_a_job_that_a_killed_server_lost_is_sent_at_the_next_start(
    weights: Path, tmp_path: Path, receiver: _Receiver
) -> None:
    key = {"MODEL_SERVER_WEBHOOK_KEY": _KEY}
    with server(weights / "models.toml", tmp_path / "state", environment=key) as models:
        job_id = models.created(
            "lost", webhook_url=f"http://127.0.0.1:{receiver.server_port}/", num_frames=121, steps=1000
        )
        models.stepping(job_id)
        models.signal(signal.SIGKILL)
        models.process.wait()
    with server(weights / "models.toml", tmp_path / "state", environment=key) as models:
        headers, body = receiver.got.get(timeout=STEADY)
        assert Webhook(_KEY).verify(body, headers) == models.job(job_id)
        assert models.job(job_id)["status"] == "lost"
        assert models.metric('jobs_total{outcome="lost",pipeline="ltx-video"}') == 1
