"""Takes orders and callbacks over HTTP. Row, hold and first job are one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg.errors import CheckViolation

from bench.peers import ledger
from bench.peers.procrastinate_peer import tasks
from bench.peers.work import Callback, OrderRequest, Placed, is_authentic


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with tasks.pool, tasks.app.open_async(tasks.pool):
        yield


app = FastAPI(lifespan=_lifespan)


async def _customer(bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> UUID:
    async with tasks.pool.connection() as connection:
        cursor = await connection.execute(ledger.AUTHENTICATE, {"key_hash": ledger.key_hash(bearer.credentials)})
        found = await cursor.fetchone()
    if found is None:
        raise HTTPException(401, "this API key is unknown")
    customer_id: UUID = found[0]
    return customer_id


@app.post("/orders", status_code=202)
async def place(request: OrderRequest, customer_id: Annotated[UUID, Depends(_customer)]) -> Placed:
    """Accept an order. The job is written first, which keeps the lock on the balance's row short."""
    order_id = str(uuid4())
    order = {"order_id": order_id, "customer_id": customer_id, "prompt": request.prompt, "credits": ledger.PRICE}
    try:
        async with tasks.pool.connection() as connection, connection.transaction():
            job = tasks.submit.configure(connection=connection)
            await job.defer_async(order_id=order_id, prompt=request.prompt)
            await connection.execute(ledger.ACCEPT, order)
    except CheckViolation:
        raise HTTPException(402, "too few credits") from None
    return Placed(id=order_id)


@app.post("/callbacks/{order_id}")
async def callback(
    order_id: UUID,
    body: Callback,
    timestamp: Annotated[str, Header(alias="X-Webhook-Timestamp")],
    signature: Annotated[str, Header(alias="X-Webhook-Signature")],
) -> dict[str, int]:
    """Start a job that reads the state of the callback's task."""
    if not is_authentic(tasks.setup.kie, body, timestamp, signature):
        raise HTTPException(403, "the signature is wrong")
    await tasks.finish.defer_async(order_id=str(order_id), task_id=body.data.task_id)
    return {"code": 200}


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the door serves."""
    return {"status": "ok"}
