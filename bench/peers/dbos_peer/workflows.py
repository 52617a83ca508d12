"""The workflow of an order and its steps: submit, wait, download and store, settle."""

from typing import Any

from dbos import DBOS, AsyncSQLAlchemyDatasource
from sqlalchemy.ext.asyncio import create_async_engine

from bench.peers import ledger
from bench.peers.dbos_peer.shared import CALLBACK, POOL_SIZE, WORKFLOW, sqlalchemy_url
from bench.peers.setup import POLL_SECONDS, SAFETY_POLL_SECONDS, Setup
from bench.peers.work import TRANSIENT, AsyncWork, VendorFailed

setup = Setup.of_environment()
work = AsyncWork(setup)
engine = create_async_engine(sqlalchemy_url(setup), pool_size=POOL_SIZE, max_overflow=0)


async def open_ledger() -> None:
    """Before DBOS is launched, on the event loop that the workflows will run on."""
    _Ledger.source = await AsyncSQLAlchemyDatasource.create(sqlalchemy_url(setup), engine=engine, run_migrations=False)


@DBOS.workflow(name=WORKFLOW)
async def generate(order_id: str, prompt: str) -> None:
    """An order, from the vendor to the capture of its credits."""
    task_id = await submit(order_id, prompt)
    try:
        url = await _wait(task_id)
    except VendorFailed as error:
        await _Ledger.write("release", ledger.RELEASE, {"order_id": order_id, "error": str(error)})
        raise
    asset = await download_and_store(order_id, url)
    await _Ledger.write("settle", ledger.SETTLE, {"order_id": order_id, **asset})


@DBOS.step()
async def submit(order_id: str, prompt: str) -> str:
    """Order at the vendor. Not retried: a create that may have been accepted would be paid for twice."""
    task_id = await work.submit(order_id, prompt)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(ledger.SUBMITTED, {"order_id": order_id, "remote_id": task_id})
    return task_id


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, TRANSIENT)


@DBOS.step(retries_allowed=True, should_retry=_is_transient)
async def result_url(task_id: str) -> str | None:
    """Look at the vendor."""
    return await work.result_url(task_id)


@DBOS.step(retries_allowed=True, should_retry=_is_transient)
async def download_and_store(order_id: str, url: str) -> dict[str, Any]:
    """Copy the result into the bucket."""
    return (await work.download_and_store(order_id, url)).model_dump()


async def _wait(task_id: str) -> str:
    """The result's URL, once there is one: after the callback, or after as many looks as it takes."""
    while True:
        if setup.mode == "callback":
            await DBOS.recv_async(CALLBACK, SAFETY_POLL_SECONDS)
        url = await result_url(task_id)
        if url is not None:
            return url
        if setup.mode == "poll":
            await DBOS.sleep_async(POLL_SECONDS)


class _Ledger:
    """Transactions that DBOS checkpoints together with what they write."""

    source: AsyncSQLAlchemyDatasource

    @classmethod
    async def write(cls, name: str, statement: str, values: dict[str, Any]) -> None:
        """Run one statement, once, as a step of the workflow.

        READ COMMITTED is enough for it, and spares orders of one customer the retries of DBOS' default, SERIALIZABLE.
        """
        await cls.source.run_tx_step_async(
            {"name": name, "isolation_level": "READ COMMITTED"}, cls._write, statement, values
        )

    @classmethod
    async def _write(cls, statement: str, values: dict[str, Any]) -> None:
        connection = await cls.source.sql_session().connection()
        await connection.exec_driver_sql(statement, values)
