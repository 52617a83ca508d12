"""Runs the sending of webhooks in the process `notify`."""

import asyncio

from notify.alarms import Alarms
from notify.webhooks.dispatcher import Dispatcher
from notify.webhooks.recorder import Recorder
from notify.webhooks.sender import Sender
from schemas.settings import Settings
from storage.database import AsyncDatabase

_DAY_SECONDS = 86_400.0


async def run(settings: Settings, database: AsyncDatabase, alarms: Alarms) -> None:
    """Send due deliveries until the task is cancelled. Then running tries end, and other claims are handed back."""
    sender = Sender(settings.webhooks)
    recorder = Recorder(database, pause_after_seconds=settings.webhooks.pause_after_days * _DAY_SECONDS)
    dispatcher = Dispatcher(settings, database, sender, recorder)
    alarms.call(dispatcher.changed)
    recording = asyncio.create_task(recorder.run())
    try:
        await dispatcher.run()
    finally:
        await dispatcher.stop()
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
        await sender.close()
