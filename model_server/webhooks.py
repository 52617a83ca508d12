"""Sends finished jobs to their `webhook_url`, signed as Standard Webhooks (https://www.standardwebhooks.com)."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

import httpx
import structlog
from standardwebhooks import Webhook

from model_server import measured
from model_server.jobs import Job

log = structlog.get_logger()

PAUSES: Sequence[float] = (0.0, 2.0, 10.0)
"""Seconds before each try. A receiver that misses all of them reads the job instead."""

_TIMEOUT_SECONDS = 10.0


class WebhookSender:
    """Sends from its own threads. Messages that wait are in memory alone: the job can be read at any time."""

    def __init__(self, key: str | None) -> None:
        self._key = key
        self._threads = ThreadPoolExecutor(2, "webhooks")
        self._ends = Event()

    def send(self, job: Job) -> None:
        """Send an ended job, if it names a URL."""
        if job.webhook_url is not None and self._key is not None and not self._ends.is_set():
            self._threads.submit(self._deliver, job, job.webhook_url, self._key)

    def close(self) -> None:
        """End: the try that is under way is finished, and no other begins."""
        self._ends.set()
        self._threads.shutdown(cancel_futures=True)

    def _deliver(self, job: Job, url: str, key: str) -> None:
        body = json.dumps(job.document())
        for pause in PAUSES:
            if self._ends.wait(pause):
                return
            if self._is_taken(url, body, job.id, key):
                measured.WEBHOOKS.labels("sent").inc()
                return
            measured.WEBHOOKS.labels("failed").inc()
        log.warning("webhook_given_up", job=job.id, tries=len(PAUSES))

    def _is_taken(self, url: str, body: str, message_id: str, key: str) -> bool:
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(key).sign(message_id, now, body),
        }
        try:
            with httpx.stream("POST", url, content=body, headers=headers, timeout=_TIMEOUT_SECONDS) as answer:
                return answer.is_success
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
