"""Models whose vendors bill by the length of the input video."""

import base64
import io
from datetime import timedelta

import pytest
from sqlmodel import func, select

from intake.orders import Payer
from schemas.enums import Stage
from schemas.errors import InvalidRequest
from schemas.media_types import MP4
from schemas.orders import GenerationRequest
from schemas.setting_groups import InputSettings
from schemas.stages import TERMINAL
from schemas.tables import Generation
from storage import uploads
from storage.database import Database
from tasks.services import WorkerServices
from tests.integration.tasks.conftest import Life, Lives
from tests.support import new_customer
from tests.unit.intake.test_video_length import video
from workers.lifecycle import intake_of

MODEL = "kling-3.0-omni-video-to-video"
SMALL = {"width": 64, "height": 64, "duration_seconds": 1}


def begin(lives: Lives, content: bytes, *, ordered: int) -> Life:
    request = {"model": MODEL, "duration_seconds": ordered}
    return lives.begin_from(content, request, media=MP4, delivered=SMALL)


@pytest.mark.parametrize("seconds", [4, 5])
def test_video_within_the_paid_length_is_sent_to_the_vendor(lives: Lives, seconds: int) -> None:
    life = begin(lives, video(seconds), ordered=5)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_video_over_the_paid_length_is_refused_before_the_hold(lives: Lives, database: Database) -> None:
    with pytest.raises(InvalidRequest) as refused:
        begin(lives, video(9), ordered=3)
    message = "has 9.0 s: order as many with duration_seconds, not 3"
    assert refused.value.detail == f"{MODEL} cannot do that: video_urls.0 {message}"
    assert refused.value.extra["errors"] == [
        {"field": "video_urls.0", "message": message, "allowed": {"max_seconds": 15}}
    ]
    assert generations(database) == 0


def test_video_without_a_measurable_length_is_refused(lives: Lives, database: Database) -> None:
    with pytest.raises(InvalidRequest, match=r"video_urls\.0 has no length that was measured: upload it again"):
        begin(lives, b"\x00\x00\x00\x18ftypisom" + bytes(100), ordered=3)
    assert generations(database) == 0


def test_video_of_an_earlier_release_is_measured_at_its_next_upload(database: Database, worker: WorkerServices) -> None:
    customer = new_customer(database, 1000)
    content = video(4)
    unmeasured = uploads.store(
        database, worker.objects, customer.id, io.BytesIO(content), MP4, InputSettings(), keep_for=timedelta(days=1)
    )
    assert unmeasured.duration_seconds is None
    intake = intake_of(worker)
    uri = f"data:video/mp4;base64,{base64.b64encode(content).decode()}"
    request = GenerationRequest(model=MODEL, prompt="rain", video_urls=[uri], duration_seconds=4)
    assert intake.take(request, Payer(customer.id)).is_new
    with database.statement() as statement:
        measured = uploads.find(statement, customer.id, unmeasured.id)
    assert measured is not None
    assert (measured.duration_seconds, measured.object_key) == (4.0, unmeasured.object_key)


def generations(database: Database) -> int:
    with database.transaction() as session:
        return session.exec(select(func.count()).select_from(Generation)).one()
