"""Delivers callbacks as vendors do, and with the faults that a scenario asks for: lost, late, repeated, forged."""

import asyncio
import json
import time
from collections.abc import Mapping

import httpx

from sandbox.config import SandboxConfig
from sandbox.lifetime import Lifetime
from sandbox.task import CallbackAttempt, JsonObject, Seal, Task

# Kie stops after three failed retries (callback pages of Veo, Runway and Flux).
_RETRIES = 3
# Thousands of tasks may end at once. The connection pool slows down when as many requests wait for a connection.
_CONCURRENT_DELIVERIES = 16


class Callbacks:
    """Sends callbacks and records every attempt on the task."""

    def __init__(self, config: SandboxConfig, lifetime: Lifetime) -> None:
        self._config = config
        # A transport instead of a client: vendors follow no redirects and keep no cookies, and a client costs more than
        # the rest of a task.
        self._network = httpx.AsyncHTTPTransport(trust_env=False)
        self._lifetime = lifetime
        self._slots = asyncio.Semaphore(_CONCURRENT_DELIVERIES)

    async def announce(self, task: Task) -> None:
        """Send the callback of a task's present state, as its scenario says. Tasks without a callback URL send none."""
        if task.call_back_url is None or task.scenario.callback == "lost":
            return
        body = task.writer.body(task)
        if task.scenario.callback == "late":
            await self._lifetime.pause(task.scenario.callback_delay_seconds)
        if task.scenario.callback == "doubled":
            await asyncio.gather(*(self._deliver(task, task.call_back_url, body) for _ in range(2)))
        await self._deliver(task, task.call_back_url, body)

    async def forge(self, task: Task) -> None:
        """Send one callback that claims success and carries a wrong signature."""
        if task.call_back_url is not None:
            body = task.writer.forged_body(task)
            await self._send(task, task.call_back_url, body=body, seal=Seal.WRONG, kind="forged", attempt=1)

    async def send_now(self, task: Task, url: str, *, seal: Seal, body: JsonObject | None) -> CallbackAttempt:
        """Send one callback without retries. `body` None sends the vendor's own body."""
        return await self._send(task, url, body=body or task.writer.body(task), seal=seal, kind="manual", attempt=1)

    async def close(self) -> None:
        """Close every connection."""
        await self._network.aclose()

    async def _deliver(self, task: Task, url: str, body: JsonObject) -> None:
        for attempt in range(1, _RETRIES + 2):
            sent = await self._send(task, url, body=body, seal=Seal.TRUE, kind="normal", attempt=attempt)
            if sent.status is not None and 200 <= sent.status < 300:
                return
            if attempt <= _RETRIES:
                await self._lifetime.pause(self._config.callback_retry_seconds)

    async def _send(
        self, task: Task, url: str, *, body: JsonObject, seal: Seal, kind: str, attempt: int
    ) -> CallbackAttempt:
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **task.writer.headers(task, content, seal)}
        at = time.time()
        status, error = await self._post(url, content, headers)
        sent = CallbackAttempt(kind=kind, attempt=attempt, at=at, status=status, error=error)
        task.callbacks.append(sent)
        return sent

    async def _post(self, url: str, content: bytes, headers: Mapping[str, str]) -> tuple[int | None, str | None]:
        """The receiver's HTTP status, or the reason why there is none."""
        seconds = self._config.callback_timeout_seconds
        async with self._slots:
            try:
                async with asyncio.timeout(seconds):
                    request = httpx.Request("POST", url, content=content, headers=headers)
                    answer = await self._network.handle_async_request(request)
                    await answer.aread()
            except TimeoutError:
                return None, f"no answer within {seconds:g} s"
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                return None, f"{type(error).__name__}: {error}"
        return answer.status_code, None
