"""The Celery application and its chain: submit, poll, download and store, settle."""

from functools import cache
from typing import Any

from celery import Celery, Task
from celery.signals import worker_ready
from psycopg_pool import ConnectionPool

from bench.peers import ledger
from bench.peers.setup import POLL_SECONDS, Setup
from bench.peers.work import TRANSIENT, Asset, VendorFailed, Work

setup = Setup.of_environment()
app = Celery("generations", broker=setup.redis_url, backend=setup.redis_url)


@cache
def pool() -> ConnectionPool:
    """The process's database connections, made at the first use: with prefork, after the fork."""
    return ConnectionPool(setup.database_url, min_size=1, max_size=20, kwargs={"autocommit": True}, open=True)


@cache
def work() -> Work:
    """The process's HTTP and S3 clients."""
    return Work(setup)


@app.task
def submit(order_id: str, prompt: str) -> tuple[str, str]:
    """Submit the order to the vendor, without retries: a second create would cost again."""
    task_id = work().submit(order_id, prompt)
    with pool().connection() as connection:
        connection.execute(ledger.SUBMITTED, {"order_id": order_id, "remote_id": task_id})
    return order_id, task_id


@app.task(bind=True, max_retries=None, autoretry_for=TRANSIENT, retry_backoff=True)
def poll(self: Task[Any, Any], submitted: tuple[str, str]) -> tuple[str, str]:
    """Read the task's state at the vendor until there is a result."""
    order_id, task_id = submitted
    try:
        url = work().result_url(task_id)
    except VendorFailed as error:
        with pool().connection() as connection:
            connection.execute(ledger.RELEASE, {"order_id": order_id, "error": str(error)})
        raise
    if url is None:
        raise self.retry(countdown=POLL_SECONDS)
    return order_id, url


@app.task(autoretry_for=TRANSIENT, retry_backoff=True)
def download_and_store(ready: tuple[str, str]) -> tuple[str, dict[str, Any]]:
    """Copy the result into the bucket."""
    order_id, url = ready
    return order_id, work().download_and_store(order_id, url).model_dump()


@app.task
def settle(stored: tuple[str, dict[str, Any]]) -> None:
    """Record the asset and capture the credits."""
    order_id, asset = stored
    with pool().connection() as connection:
        connection.execute(ledger.SETTLE, {"order_id": order_id, **Asset.model_validate(asset).model_dump()})


@worker_ready.connect
def _say_ready(**_: object) -> None:
    print("ready", flush=True)
