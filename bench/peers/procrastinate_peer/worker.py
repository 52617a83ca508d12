"""A worker process: many jobs at a time on one event loop."""

import asyncio
from contextlib import aclosing

from bench.peers.procrastinate_peer.tasks import app, pool, work

_JOBS_AT_A_TIME = 32
# NOTIFY announces new jobs. A job whose time has come is found by polling: by default every 5 s.
_LOOK_EVERY_SECONDS = 1.0


async def main() -> None:
    """Work until SIGTERM."""
    async with pool, aclosing(work), app.open_async(pool):
        print("ready", flush=True)
        await app.run_worker_async(concurrency=_JOBS_AT_A_TIME, fetch_job_polling_interval=_LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
