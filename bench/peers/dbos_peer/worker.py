"""A queue worker: takes workflows from the queue and runs each in a thread."""

import signal
import threading
from uuid import uuid4

from dbos import DBOS

from bench.peers.dbos_peer import workflows
from bench.peers.dbos_peer.shared import APPLICATION, QUEUE

# The default is one second. Every order would wait for half of it.
_QUEUE_LOOK_SECONDS = 0.1
# Each order has a thread, also while it waits for the vendor. DBOS recommends a limit; without a limit an order costs a
# quarter more CPU, and with 32 no less.
_ORDERS_AT_A_TIME = 128


def main() -> None:
    """Work until SIGTERM."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": workflows.setup.database_url,
            "run_migrations": False,
            "executor_id": uuid4().hex,
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=_ORDERS_AT_A_TIME, polling_interval_sec=_QUEUE_LOOK_SECONDS)
    print("ready", flush=True)
    stopped.wait()
    DBOS.destroy(workflow_completion_timeout_sec=5)


if __name__ == "__main__":
    main()
