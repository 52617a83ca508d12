"""The Procrastinate application and its jobs: submit, finish, settle."""

from procrastinate import App, PsycopgConnector, RetryStrategy
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from bench.peers import ledger
from bench.peers.setup import POLL_SECONDS, Setup
from bench.peers.work import TRANSIENT, AsyncWork, VendorFailed


async def _configure(connection: AsyncConnection) -> None:
    await connection.set_autocommit(True)


setup = Setup.of_environment()
app = App(connector=PsycopgConnector(conninfo=setup.database_url))
# Procrastinate and the jobs share this pool. Both send single statements, which need no explicit transaction.
pool = AsyncConnectionPool(setup.database_url, min_size=1, max_size=20, configure=_configure, open=False)
work = AsyncWork(setup)

_RETRY = RetryStrategy(max_attempts=5, exponential_wait=2, retry_exceptions=TRANSIENT)


@app.task
async def submit(order_id: str, prompt: str) -> None:
    """Submit the order to the vendor, without retries: a second create would cost again."""
    task_id = await work.submit(order_id, prompt)
    async with pool.connection() as connection:
        await connection.execute(ledger.SUBMITTED, {"order_id": order_id, "remote_id": task_id})
    if setup.mode == "poll":
        await finish.defer_async(order_id=order_id, task_id=task_id)


@app.task(retry=_RETRY)
async def finish(order_id: str, task_id: str) -> None:
    """Read the task's state at the vendor and copy the result into the bucket. Without a result, try again later."""
    try:
        url = await work.result_url(task_id)
    except VendorFailed as error:
        async with pool.connection() as connection:
            await connection.execute(ledger.RELEASE, {"order_id": order_id, "error": str(error)})
        return
    if url is not None:
        asset = await work.download_and_store(order_id, url)
        await settle.defer_async(order_id=order_id, **asset.model_dump())
    elif setup.mode == "poll":
        later = finish.configure(schedule_in={"seconds": POLL_SECONDS})
        await later.defer_async(order_id=order_id, task_id=task_id)


@app.task(retry=5)
async def settle(order_id: str, object_key: str, size_bytes: int, sha256: str) -> None:
    """Record the asset and capture the credits."""
    settled = {"order_id": order_id, "object_key": object_key, "size_bytes": size_bytes, "sha256": sha256}
    async with pool.connection() as connection:
        await connection.execute(ledger.SETTLE, settled)
