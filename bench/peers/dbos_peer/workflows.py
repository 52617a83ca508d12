"""The workflow of an order and its steps: submit, wait, download and store, settle."""

from typing import Any

from dbos import DBOS, SQLAlchemyDatasource
from sqlalchemy import create_engine

from bench.peers import ledger
from bench.peers.dbos_peer.shared import CALLBACK, POOL_SIZE, WORKFLOW, sqlalchemy_url
from bench.peers.setup import POLL_SECONDS, SAFETY_POLL_SECONDS, Setup
from bench.peers.work import TRANSIENT, VendorFailed, Work

setup = Setup.of_environment()
work = Work(setup)
engine = create_engine(sqlalchemy_url(setup), pool_size=POOL_SIZE, max_overflow=0)
database = SQLAlchemyDatasource.create(sqlalchemy_url(setup), engine=engine, run_migrations=False)


@DBOS.workflow(name=WORKFLOW)
def generate(order_id: str, prompt: str) -> None:
    """An order, from the submission to the capture of its credits."""
    task_id = submit(order_id, prompt)
    try:
        url = _wait(task_id)
    except VendorFailed as error:
        write(ledger.RELEASE, {"order_id": order_id, "error": str(error)})
        raise
    asset = download_and_store(order_id, url)
    write(ledger.SETTLE, {"order_id": order_id, **asset})


@DBOS.step()
def submit(order_id: str, prompt: str) -> str:
    """Submit the order to the vendor, without retries: a second create would cost again."""
    task_id = work.submit(order_id, prompt)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(ledger.SUBMITTED, {"order_id": order_id, "remote_id": task_id})
    return task_id


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, TRANSIENT)


@DBOS.step(retries_allowed=True, should_retry=_is_transient)
def result_url(task_id: str) -> str | None:
    """Read the task's state at the vendor."""
    return work.result_url(task_id)


@DBOS.step(retries_allowed=True, should_retry=_is_transient)
def download_and_store(order_id: str, url: str) -> dict[str, Any]:
    """Copy the result into the bucket."""
    return work.download_and_store(order_id, url).model_dump()


# Enough for one statement. It saves one customer's orders the retries of the default, SERIALIZABLE.
@database.transaction(isolation_level="READ COMMITTED")
def write(statement: str, values: dict[str, Any]) -> None:
    """Run a ledger statement exactly once: DBOS' checkpoint is part of the transaction."""
    database.sql_session().connection().exec_driver_sql(statement, values)


def _wait(task_id: str) -> str:
    """The result's URL, after the callback or after enough polls."""
    while True:
        if setup.mode == "callback":
            DBOS.recv(CALLBACK, SAFETY_POLL_SECONDS)
        url = result_url(task_id)
        if url is not None:
            return url
        if setup.mode == "poll":
            DBOS.sleep(POLL_SECONDS)
