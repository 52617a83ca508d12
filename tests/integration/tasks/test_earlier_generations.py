"""Orders with an earlier generation of the same customer as input."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from providers.adapters.kling.adapter import Kling
from providers.base import InputsRead, RemoteRef
from schemas.enums import ErrorCode, Stage
from schemas.errors import InvalidRequest
from schemas.inputs import generation_url
from schemas.orders import GenerationRequest
from schemas.stages import TERMINAL
from schemas.tables import Generation
from storage import acceptance
from storage.database import Database
from storage.ledger import Balance
from storage.sql import Sql
from tasks.services import WorkerServices
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_uploads import asked

SMALL = {"width": 64, "height": 64, "duration_seconds": 3}
FIRST: dict[str, object] = {"model": "kling-2.6-text-to-video", "duration_seconds": 5}
EDIT: dict[str, object] = {"model": "gemini-omni-video-edit", "duration_seconds": 4}
RESHAPE: dict[str, object] = {"model": "kling-3.0-omni-video-to-video", "duration_seconds": 5}


def made(lives: Lives, request: dict[str, object] | None = None) -> Life:
    """A generation that is completed."""
    life = lives.begin(request or FIRST, delivered=SMALL)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    return life


def expire(life: Life) -> None:
    """Expire the files, as the sweep does."""
    with life.database.transaction() as session:
        session.execute(text("UPDATE assets SET expired_at = now() WHERE generation_id = :id"), {"id": life.id})


def refusal(lives: Lives, earlier: Life, request: dict[str, object]) -> dict[str, str]:
    """The reasons by field why an order is refused. Checks that no credits are on hold."""
    before = earlier.balance
    with pytest.raises(InvalidRequest) as caught:
        lives.begin_after(earlier, request)
    assert earlier.balance == before
    errors = caught.value.problem()["errors"]
    assert isinstance(errors, list)
    return {error["field"]: error["message"] for error in errors}


def test_vendor_fetches_an_earlier_video_and_the_link_stays_private(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = made(lives)
    life = lives.begin_after(earlier, EDIT, delivered=SMALL)
    with capture_logs() as lines:
        request = asked(life, monkeypatch)
        assert life.go(until=TERMINAL) is Stage.COMPLETED
    (link,) = request.inputs.video_urls
    assert urlsplit(link).path.endswith(earlier.assets[0].object_key)
    assert request.sources == {}
    signature = parse_qs(urlsplit(link).query)["X-Amz-Signature"][0]
    assert life.row.order["inputs"]["video_urls"] == [generation_url(earlier.id)]  # type: ignore[index]
    assert signature not in repr(lines) + life.row.model_dump_json() + repr([event.data for event in life.events])


def test_vendor_that_reads_inputs_gets_the_bytes_of_an_earlier_result(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = made(lives)
    life = lives.begin_after(earlier, EDIT)
    request = asked(life, monkeypatch, reads_inputs=InputsRead.ALL)
    (url,) = request.inputs.video_urls
    assert url == generation_url(earlier.id)
    with life.worker.objects.stream(earlier.assets[0].object_key) as chunks:
        assert request.files[url].content == b"".join(chunks)
    assert request.files[url].content_type == "video/mp4"


def test_earlier_image_becomes_a_video(lives: Lives) -> None:
    earlier = made(lives, {"model": "nano-banana"})
    request: dict[str, object] = {"model": "kling-2.6-image-to-video", "duration_seconds": 5}
    life = lives.begin_after(earlier, request, delivered=SMALL)
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_earlier_video_is_measured_where_its_length_is_billed(lives: Lives) -> None:
    earlier = lives.begin(FIRST, delivered={**SMALL, "duration_seconds": 4})
    earlier.go(until=TERMINAL)
    life = lives.begin_after(earlier, {**RESHAPE, "duration_seconds": 4}, delivered=SMALL)
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_earlier_video_over_the_paid_length_is_refused_before_the_hold(lives: Lives) -> None:
    earlier = lives.begin(FIRST, delivered={**SMALL, "duration_seconds": 6})
    earlier.go(until=TERMINAL)
    longer = {**RESHAPE, "duration_seconds": 3}
    assert refusal(lives, earlier, longer) == {"video_urls.0": "has 6.0 s: order as many with duration_seconds, not 3"}
    assert lives.begin_after(earlier, {**RESHAPE, "duration_seconds": 6}).step() is Stage.GENERATING


@pytest.mark.parametrize("reads_inputs", [InputsRead.NONE, InputsRead.ALL])
def test_earlier_result_swept_after_acceptance_fails_and_releases_the_hold(
    lives: Lives, monkeypatch: pytest.MonkeyPatch, reads_inputs: InputsRead
) -> None:
    monkeypatch.setattr(Kling, "reads_inputs", reads_inputs)
    earlier = made(lives)
    balance = earlier.balance
    life = lives.begin_after(earlier, RESHAPE)
    expire(earlier)
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.row.error_message) == (
        ErrorCode.INPUT_UNREADABLE,
        "video_urls.0 is a generation whose file was deleted",
    )
    assert (life.accepted_creates(), life.balance) == (0, balance)


def test_earlier_result_missing_in_the_store_fails_the_generation(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kling, "reads_inputs", InputsRead.ALL)
    earlier = made(lives)
    life = lives.begin_after(earlier, RESHAPE)
    life.worker.objects.remove(earlier.assets[0].object_key)
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.INPUT_UNREADABLE


def test_unknown_earlier_generation_is_refused(lives: Lives) -> None:
    earlier = made(lives)
    unknown = {**EDIT, "video_urls": [generation_url(uuid4())]}
    assert refusal(lives, earlier, unknown) == {"video_urls.0": "is no generation of yours"}


def test_earlier_generation_of_another_customer_is_refused_like_an_unknown_one(lives: Lives) -> None:
    theirs = {**EDIT, "video_urls": [generation_url(made(lives).id)]}
    assert refusal(lives, made(lives), theirs) == {"video_urls.0": "is no generation of yours"}


def _failed(lives: Lives) -> Life:
    life = lives.begin(FIRST, outcome="fail")
    assert life.go(until=TERMINAL) is Stage.FAILED
    return life


@pytest.mark.parametrize(
    "begin",
    [lambda lives: lives.begin(FIRST), lambda lives: _unsettled(lives), _failed],
    ids=["queued", "settling", "failed"],
)
def test_earlier_generation_without_a_result_is_refused(lives: Lives, begin: Callable[[Lives], Life]) -> None:
    assert refusal(lives, begin(lives), EDIT) == {"video_urls.0": "is not completed"}


def _unsettled(lives: Lives) -> Life:
    life = lives.begin(FIRST, delivered=SMALL)
    life.go(until=frozenset({Stage.SETTLING}))
    return life


def test_earlier_image_is_refused_as_a_video(lives: Lives) -> None:
    earlier = made(lives, {"model": "nano-banana"})
    wrong = {**EDIT, "video_urls": [generation_url(earlier.id)], "image_urls": []}
    assert refusal(lives, earlier, wrong) == {"video_urls.0": "is not a generation of a video"}


def test_earlier_generation_with_a_deleted_file_is_refused(lives: Lives) -> None:
    earlier = made(lives)
    expire(earlier)
    assert refusal(lives, earlier, EDIT) == {
        "video_urls.0": "has no file any more: it was deleted when its time was over"
    }


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("content_type = 'video/webm'", "must be video/mp4 or video/quicktime, not video/webm"),
        ("size_bytes = 33554433", "has 33554433 bytes; at most 33554432 are allowed"),
    ],
)
def test_models_limits_apply_to_an_earlier_video(lives: Lives, changed: str, message: str) -> None:
    earlier = made(lives)
    with earlier.database.transaction() as session:
        session.execute(text(f"UPDATE assets SET {changed} WHERE generation_id = :id"), {"id": earlier.id})
    assert refusal(lives, earlier, {"model": "aleph-2-video-to-video"}) == {"video_urls.0": message}


def test_repeated_request_is_answered_after_the_file_is_deleted(
    lives: Lives, database: Database, worker: WorkerServices
) -> None:
    earlier = made(lives)
    shouted = f"generation:{str(earlier.id).upper()}"

    def order(url: str) -> Generation:
        request = GenerationRequest.model_validate({**EDIT, "prompt": "fog", "video_urls": [url]})
        with database.statements() as lent:
            accept = acceptance.accept(
                lent,
                earlier.customer.id,
                request,
                worker.catalogue.order,
                worker.settings.pipeline,
                idempotency_key="1",
            )
        return accept.generation

    first = order(generation_url(earlier.id))
    expire(earlier)
    assert order(shouted).id == first.id


def test_only_an_order_with_an_earlier_generation_queries_for_it(
    lives: Lives, database: Database, worker: WorkerServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = made(lives)
    asked_for: list[str] = []
    execute = Sql._execute

    def counted(self: Sql, statement: str, given: dict[str, object]) -> object:
        asked_for.append(statement)
        return execute(self, statement, given)

    monkeypatch.setattr(Sql, "_execute", counted)

    def order(url: str) -> int:
        asked_for.clear()
        wanted = GenerationRequest.model_validate({**EDIT, "prompt": "fog", "video_urls": [url]})
        with database.statements() as lent:
            acceptance.accept(lent, earlier.customer.id, wanted, worker.catalogue.order, worker.settings.pipeline)
        return len(asked_for)

    assert order("https://media.example/1.mp4") == 2
    assert order(generation_url(earlier.id)) == 3


VEO: dict[str, object] = {"model": "veo-3-lite"}
GO_ON: dict[str, object] = {"model": "veo-3-fast-extend"}


def test_vendor_extends_an_earlier_video(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = made(lives, VEO)
    earlier.set("""remote_links = '{"status": "/status/1"}'""")
    # Its first route refused it, and the second one made it.
    earlier.set("""route_index = 1, "order" = jsonb_insert("order", '{routes,0}', '{"provider": "x", "model": "y"}')""")
    life = lives.begin_after(earlier, GO_ON, delivered=SMALL)
    assert life.balance == Balance(available=1000 - 30 - 60, held=60)
    request = asked(life, monkeypatch)
    entry = generation_url(earlier.id)
    assert request.inputs.video_urls == [entry]
    remote_id = str(earlier.row.remote_id)
    assert request.sources == {entry: RemoteRef(remote_id, "veo/veo3_lite", {"status": "/status/1"})}
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert (life.accepted_creates(), life.balance) == (1, Balance(available=1000 - 30 - 60, held=0))
    assert life.assets[0].content_type == "video/mp4"


def test_vendor_extends_its_own_copy_after_ours_is_deleted(lives: Lives) -> None:
    earlier = made(lives, VEO)
    life = lives.begin_after(earlier, GO_ON, delivered=SMALL)
    expire(earlier)
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_extending_a_video_that_the_vendor_deleted_releases_the_hold(lives: Lives) -> None:
    earlier = made(lives, VEO)
    balance = earlier.balance
    life = lives.begin_after(earlier, GO_ON)
    with earlier.database.transaction() as session:
        session.execute(text("UPDATE generations SET remote_id = 'gone' WHERE id = :id"), {"id": earlier.id})
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.balance) == (ErrorCode.PROVIDER_REJECTED, balance)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (FIRST, "is a video of kling-2.6-text-to-video; must be one of "),
        ({**VEO, "resolution": "1080p"}, "has the resolution 1080p; must have 720p"),
    ],
)
def test_video_that_cannot_be_extended_is_refused(lives: Lives, first: dict[str, object], message: str) -> None:
    errors = refusal(lives, made(lives, first), GO_ON)
    assert list(errors) == ["video_urls.0"]
    assert errors["video_urls.0"].startswith(message)


def test_video_of_another_provider_is_not_extended(lives: Lives) -> None:
    earlier = made(lives, VEO)
    earlier.set("provider = 'kie_before'")
    message = "names a video of another account than those that serve this model here"
    assert refusal(lives, earlier, GO_ON) == {"video_urls": message}
