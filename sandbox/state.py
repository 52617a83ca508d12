"""All that one running sandbox holds."""

import asyncio
from typing import Annotated

import httpx
from fastapi import Depends, Request

from sandbox.callbacks import Callbacks
from sandbox.config import SandboxConfig
from sandbox.create_log import CreateLog
from sandbox.engine import Engine
from sandbox.kie_account import KieAccount
from sandbox.kie_callbacks import KieCallbacks
from sandbox.kling_account import KlingAccount
from sandbox.kling_callbacks import KlingCallbacks
from sandbox.lifetime import Lifetime
from sandbox.media_store import MediaStore
from sandbox.openai_videos_account import OpenAIVideosAccount
from sandbox.openai_videos_record import OpenAIVideosEvents
from sandbox.replicate_account import ReplicateAccount
from sandbox.replicate_webhooks import ReplicateWebhooks
from sandbox.scenarios import ScenarioBook


class Sandbox:
    """The parts of one server; made when it starts, closed when it stops."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.lifetime = Lifetime()
        self.client = httpx.AsyncClient(timeout=config.callback_timeout_seconds, trust_env=False)
        self.media = MediaStore(config.max_media_bytes)
        self.callbacks = Callbacks(config, self.client, self.lifetime)
        self.engine = Engine(self.media, self.callbacks, self.lifetime)
        self.scenarios = ScenarioBook()
        self.creates = CreateLog()
        self.kie_account = KieAccount(config)
        self.kie_callbacks = KieCallbacks(config.public_url, config.kie_webhook_hmac_key)
        self.kling_account = KlingAccount(config)
        self.kling_callbacks = KlingCallbacks(config.public_url, config.kling_webhook_secret)
        self.openai_videos_account = OpenAIVideosAccount(config)
        self.openai_videos_events = OpenAIVideosEvents()
        self.replicate_account = ReplicateAccount(config)
        self.replicate_webhooks = ReplicateWebhooks(config.public_url, config.replicate_webhook_secret)

    def reset(self) -> None:
        """Back to how it started: no scenarios, tasks, counts or media; limits and credits as configured."""
        self.lifetime.cancel_background()
        self.engine.clear()
        self.media.clear()
        self.scenarios.clear()
        self.creates = CreateLog()
        self.kie_account = KieAccount(self.config)
        self.kling_account = KlingAccount(self.config)
        self.replicate_account = ReplicateAccount(self.config)

    async def close(self) -> None:
        """End all work and delete all media."""
        self.lifetime.stop()
        await self.client.aclose()
        await asyncio.to_thread(self.media.close)


async def _current(request: Request) -> Sandbox:
    # async, because FastAPI calls a plain function in a thread, which costs more than all the rest of a small request.
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


CurrentSandbox = Annotated[Sandbox, Depends(_current)]
