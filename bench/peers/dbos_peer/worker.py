"""A queue worker: dequeues workflows and runs them on one event loop."""

import asyncio
import signal
from uuid import uuid4

from dbos import DBOS

from bench.peers.dbos_peer import workflows
from bench.peers.dbos_peer.shared import APPLICATION, QUEUE

# The default is a second, which every order would wait for half of. How many orders a worker takes is not limited:
# those that wait for the vendor count, too.
_QUEUE_LOOK_SECONDS = 0.1


async def main() -> None:
    """Work until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": workflows.setup.database_url,
            "run_migrations": False,
            "executor_id": uuid4().hex,
            "log_level": "WARNING",
        }
    )
    await workflows.open_ledger()
    DBOS.launch()
    await DBOS.register_queue_async(QUEUE, polling_interval_sec=_QUEUE_LOOK_SECONDS)
    print("ready", flush=True)
    await stopped.wait()
    DBOS.destroy(workflow_completion_timeout_sec=5)


if __name__ == "__main__":
    asyncio.run(main())
