"""Takes orders and callbacks over HTTP. Row, hold and workflow are one transaction."""

from typing import Annotated
from uuid import UUID, uuid4

from dbos import DBOSClient
from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from bench.peers import ledger
from bench.peers.dbos_peer.shared import APPLICATION, CALLBACK, POOL_SIZE, QUEUE, WORKFLOW, sqlalchemy_url
from bench.peers.setup import Setup
from bench.peers.work import Callback, OrderRequest, Placed, is_authentic

setup = Setup.of_environment()
engine = create_engine(sqlalchemy_url(setup), pool_size=POOL_SIZE, max_overflow=0)
client = DBOSClient(system_database_engine=engine, application_name=APPLICATION)
app = FastAPI()


def _customer(bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> UUID:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        found = connection.exec_driver_sql(
            ledger.AUTHENTICATE, {"key_hash": ledger.key_hash(bearer.credentials)}
        ).one_or_none()
    if found is None:
        raise HTTPException(401, "this API key is unknown")
    customer_id: UUID = found[0]
    return customer_id


@app.post("/orders", status_code=202)
def place(request: OrderRequest, customer_id: Annotated[UUID, Depends(_customer)]) -> Placed:
    """Accept an order. The workflow is written first, which keeps the lock on the balance's row short."""
    order_id = str(uuid4())
    order = {"order_id": order_id, "customer_id": customer_id, "prompt": request.prompt, "credits": ledger.PRICE}
    try:
        with engine.begin() as connection:
            client.enqueue_in_transaction(
                connection,
                {"queue_name": QUEUE, "workflow_name": WORKFLOW, "workflow_id": order_id},
                order_id,
                request.prompt,
            )
            connection.exec_driver_sql(ledger.ACCEPT, order)
    except IntegrityError:
        raise HTTPException(402, "too few credits") from None
    return Placed(id=order_id)


@app.post("/callbacks/{order_id}")
def callback(
    order_id: UUID,
    body: Callback,
    timestamp: Annotated[str, Header(alias="X-Webhook-Timestamp")],
    signature: Annotated[str, Header(alias="X-Webhook-Signature")],
) -> dict[str, int]:
    """Send the vendor's callback to the workflow."""
    if not is_authentic(setup.kie, body, timestamp, signature):
        raise HTTPException(403, "the signature is wrong")
    client.send(str(order_id), body.data.task_id, CALLBACK)
    return {"code": 200}


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Whether the door serves."""
    return {"status": "ok"}
