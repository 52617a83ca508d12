"""`generation.continue` at the Redis door: as over HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from intake.orders import Intake
from intake.redis.request import Operation
from schemas.settings import Settings
from schemas.tables import Generation
from storage import ledger
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.intake.raw_messages import Wire, served
from tests.media_files.images import png
from tests.support import NewCustomer

REQUEST = {"model": "kling-2.6-text-to-video", "prompt": "a paper boat", "preview": True}
VIDEO_PRICE = 70


def a_preview(intake: Intake, customer: NewCustomer) -> str:
    return str(served(intake, {"customer_id": str(customer.id), "request": REQUEST})["id"])


def test_continue_makes_one_video_of_a_preview(
    intake: Intake,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    wire: Wire,
) -> None:
    preview = a_preview(intake, customer)
    complete(database, settings, objects, UUID(preview), png(64, 48))
    arguments = {"customer_id": str(customer.id), "generation_id": preview}

    def proceed(**more: str) -> dict[str, Any]:
        return served(intake, arguments | more, operation=Operation.CONTINUE, wire=wire)

    video, again, keyed = proceed(), proceed(), proceed(idempotency_key="mine")

    assert (video["model"], video["status"], video["is_new"]) == ("kling-2.6-image-to-video", "queued", True)
    assert again == keyed == video | {"is_new": False}
    with database.transaction() as session:
        assert session.get_one(Generation, UUID(str(video["id"]))).order["continuation_of"] == preview
        assert ledger.balance(session, customer.id).held == VIDEO_PRICE


def test_refusals_of_continue_are_those_of_http(
    intake: Intake, make_customer: Callable[[int], NewCustomer], wire: Wire
) -> None:
    owner, stranger = make_customer(100), make_customer(100)
    preview = a_preview(intake, owner)
    told = {}
    for customer in (owner, stranger):
        arguments = {"customer_id": str(customer.id), "generation_id": preview}
        told[customer.id] = served(intake, arguments, operation=Operation.CONTINUE, wire=wire)["error"]["code"]
    assert told == {owner.id: "not_finished", stranger.id: "not_found"}
