"""The state of one running sandbox."""

import asyncio
from typing import Annotated, TypeVar

import httpx
from fastapi import Depends, Request

from sandbox.callbacks import Callbacks
from sandbox.config import SandboxConfig
from sandbox.create_log import CreateLog
from sandbox.engine import Engine
from sandbox.lifetime import Lifetime
from sandbox.media_store import MediaStore
from sandbox.scenarios import Scenario, ScenarioBook
from sandbox.vendors import vendors

A = TypeVar("A")


class Sandbox:
    """The parts of one server. They start and end with the server."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.lifetime = Lifetime()
        self.client = httpx.AsyncClient(timeout=config.callback_timeout_seconds, trust_env=False)
        self.media = MediaStore(config.max_media_bytes)
        self.callbacks = Callbacks(config, self.lifetime)
        self.engine = Engine(self.media, self.callbacks, self.lifetime)
        self.scenarios = ScenarioBook()
        self.creates = CreateLog()
        self._accounts = self._fresh_accounts()

    def account(self, kind: type[A]) -> A:
        """The account of a vendor, by its class."""
        account = self._accounts[kind]
        if not isinstance(account, kind):
            raise TypeError(f"{kind} is no vendor's account")
        return account

    async def arrived(self, prompt: str, scenario: Scenario) -> None:
        """Count a create that arrives, and wait as its scenario says. Raises `Stopping` if the server stops first."""
        self.creates.arrived(prompt)
        await self.lifetime.pause(scenario.create_latency_seconds)

    def reset(self) -> None:
        """Restore the initial state: no scenarios, tasks, counts or media; limits and credits as configured."""
        self.lifetime.cancel_background()
        self.engine.clear()
        self.media.clear()
        self.scenarios.clear()
        self.creates = CreateLog()
        self._accounts = self._fresh_accounts()

    def _fresh_accounts(self) -> dict[object, object]:
        return {vendor.account: vendor.account(self.config) for vendor in vendors()}

    async def close(self) -> None:
        """Stop all work and delete all media."""
        self.lifetime.stop()
        await self.callbacks.close()
        await self.client.aclose()
        await asyncio.to_thread(self.media.close)


async def _current(request: Request) -> Sandbox:
    # async: FastAPI runs a plain function in a thread, which costs more than the rest of a small request.
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


CurrentSandbox = Annotated[Sandbox, Depends(_current)]
