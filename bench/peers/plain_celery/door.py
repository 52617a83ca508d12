"""Takes orders over HTTP: row and hold in one transaction, then the chain."""

from typing import Annotated
from uuid import UUID, uuid4

from celery import chain
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg.errors import CheckViolation

from bench.peers import ledger
from bench.peers.plain_celery.tasks import download_and_store, poll, pool, settle, submit
from bench.peers.work import OrderRequest, Placed

app = FastAPI()


def _customer(bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> UUID:
    with pool().connection() as connection:
        found = connection.execute(ledger.AUTHENTICATE, {"key_hash": ledger.key_hash(bearer.credentials)}).fetchone()
    if found is None:
        raise HTTPException(401, "this API key is unknown")
    customer_id: UUID = found[0]
    return customer_id


@app.post("/orders", status_code=202)
def place(request: OrderRequest, customer_id: Annotated[UUID, Depends(_customer)]) -> Placed:
    """Accept an order. A crash between the commit and the chain's message leaves the order unfinished."""
    order_id = str(uuid4())
    order = {"order_id": order_id, "customer_id": customer_id, "prompt": request.prompt, "credits": ledger.PRICE}
    try:
        with pool().connection() as connection:
            connection.execute(ledger.ACCEPT, order)
    except CheckViolation:
        raise HTTPException(402, "too few credits") from None
    chain(submit.s(order_id, request.prompt), poll.s(), download_and_store.s(), settle.s()).delay()
    return Placed(id=order_id)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Whether the door serves."""
    return {"status": "ok"}
