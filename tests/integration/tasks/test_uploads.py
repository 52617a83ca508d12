"""Uploads on the way to the provider, in sweeps and in audits."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlmodel import select
from structlog.testing import capture_logs

from api_gateway import create_app
from providers.adapters.kie.adapter import Kie
from providers.base import AcceptedCreate, Fence, InputFile, InputsRead, Provider, ProviderRequest
from providers.registry import Providers
from schemas.enums import ErrorCode, Stage, SweepKind
from schemas.errors import InvalidRequest
from schemas.inputs import upload_url
from schemas.orders import GenerationRequest
from schemas.setting_groups import RetentionSettings
from schemas.shares import Shares
from schemas.stages import TERMINAL
from schemas.tables import Generation, Upload
from storage import acceptance, uploads
from storage.audit import audit
from storage.database import Database
from storage.ledger import Balance
from storage.objects import ObjectStore
from storage.sql import Sql
from storage.sweeps import Portion
from tasks import inputs
from tasks.services import WorkerServices
from tests.integration.gateway.serving import serving
from tests.integration.tasks.conftest import Life, Lives, give
from tests.integration.tasks.test_enqueue import enqueue, problem
from tests.integration.tasks.test_sweep import AT_ONCE, counts, swept
from tests.media_files.images import png
from tests.support import new_customer

PICTURE = png(640, 360)
I2V: dict[str, object] = {"model": "kling-2.6-image-to-video", "duration_seconds": 5}
SMALL = {"width": 64, "height": 64, "duration_seconds": 1}


class _Asked:
    """A provider that records its requests."""

    def __init__(self, provider: Provider, *, reads_inputs: InputsRead = InputsRead.NONE) -> None:
        self._provider = provider
        self.reads_inputs = reads_inputs
        self.requests: list[ProviderRequest] = []

    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        self.requests.append(request)
        if self.reads_inputs is not InputsRead.NONE:
            fence()
            return AcceptedCreate("of no vendor")
        return self._provider.submit(request, callback_url=callback_url, generation_id=generation_id, fence=fence)


def asked(
    life: Life, monkeypatch: pytest.MonkeyPatch, *, reads_inputs: InputsRead = InputsRead.NONE
) -> ProviderRequest:
    """The request that the provider gets in the next step."""
    provider = _Asked(life.worker.providers.get("kie"), reads_inputs=reads_inputs)
    with monkeypatch.context() as patch:
        patch.setattr(life.worker.providers, "get", lambda _name: provider)
        life.step()
    (request,) = provider.requests
    return request


def the_upload(life: Life) -> Upload:
    with life.database.transaction() as session:
        return session.exec(select(Upload).where(Upload.customer_id == life.customer.id)).one()


def expire(life: Life) -> None:
    with life.database.transaction() as session:
        session.execute(text("UPDATE uploads SET expires_at = now() - interval '1 second'"))


def kept(database: Database) -> int:
    with database.transaction() as session:
        return len(session.exec(select(Upload)).all())


def test_vendor_fetches_an_uploaded_image_and_the_link_stays_private(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = lives.begin_from(PICTURE, I2V, delivered=SMALL)
    with capture_logs() as lines:
        request = asked(life, monkeypatch)
        assert life.row.stage is Stage.GENERATING
        assert life.go(until=TERMINAL) is Stage.COMPLETED
    (link,) = request.inputs.image_urls
    upload = the_upload(life)
    assert urlsplit(link).path.endswith(upload.object_key)
    signature = parse_qs(urlsplit(link).query)["X-Amz-Signature"][0]
    assert life.row.order["inputs"]["image_urls"] == [upload_url(upload.id)]  # type: ignore[index]
    told = repr(lines) + life.row.model_dump_json() + repr([event.data for event in life.events])
    assert signature not in told
    assert upload.object_key not in told


@pytest.mark.parametrize(("deadline", "works_for"), [(60, timedelta(minutes=61)), (86_400, timedelta(hours=25))])
def test_link_to_an_upload_works_until_an_hour_after_the_deadline(
    lives: Lives, monkeypatch: pytest.MonkeyPatch, deadline: int, works_for: timedelta
) -> None:
    life = lives.begin_from(PICTURE, {**I2V, "deadline_seconds": deadline})
    (link,) = asked(life, monkeypatch).inputs.image_urls
    seconds = int(parse_qs(urlsplit(link).query)["X-Amz-Expires"][0])
    assert works_for - timedelta(minutes=5) < timedelta(seconds=seconds) <= works_for


@pytest.fixture
def behind_gateway(lives: Lives) -> Iterator[Callable[[Life], Life]]:
    """Gives the next steps of a life to a worker whose vendor reaches a gateway, and not the object store."""
    with ExitStack() as ends:

        def moved(life: Life) -> Life:
            s3 = life.settings.s3.model_copy(update={"public_endpoint": ""})
            settings = life.settings.model_copy(update={"s3": s3})
            client = ends.enter_context(serving(create_app(settings)))
            # The vendor tries once, and the gateway may not listen yet.
            client.get("/healthz").raise_for_status()
            settings = settings.model_copy(update={"public_url": str(client.base_url).rstrip("/")})
            objects = ObjectStore(s3)
            ends.callback(objects.close)
            life.worker = replace(life.worker, objects=objects, settings=settings)
            return life

        yield moved


def test_vendor_fetches_an_upload_from_the_gateway_without_a_public_store(
    lives: Lives, behind_gateway: Callable[[Life], Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    life = behind_gateway(lives.begin_from(PICTURE, I2V, delivered=SMALL))
    with capture_logs() as lines:
        request = asked(life, monkeypatch)
        assert life.go(until=TERMINAL) is Stage.COMPLETED
    (link,) = request.inputs.image_urls
    asked_for = urlsplit(link)
    assert f"{asked_for.scheme}://{asked_for.netloc}" == life.worker.settings.public_url
    assert asked_for.path == f"/inputs/{the_upload(life).object_key}"
    token = parse_qs(asked_for.query)["t"][0]
    assert token not in repr(lines) + life.row.model_dump_json() + repr([event.data for event in life.events])


def test_order_fails_and_logs_the_settings_when_vendor_reaches_neither_store_nor_gateway(
    lives: Lives, behind_gateway: Callable[[Life], Life]
) -> None:
    life = behind_gateway(lives.begin_from(PICTURE, I2V))
    settings = life.worker.settings
    on_the_internet = settings.providers.named("kie").model_copy(update={"base_url": ""})
    accounts = settings.providers.with_accounts(kie=on_the_internet)
    life.worker = replace(life.worker, providers=Providers(accounts, public_url=settings.public_url))
    with capture_logs() as lines:
        assert life.step() is Stage.FAILED
    assert life.row.error_code == ErrorCode.INPUT_UNREADABLE
    assert life.row.error_message == "kie cannot fetch files that are kept here: give a link to a file on the web"
    assert life.balance == Balance(available=1000, held=0)
    [line] = [line for line in lines if line["event"] == "input_out_of_reach"]
    assert line["setting"] == "REELWORKS_S3__PUBLIC_ENDPOINT or REELWORKS_PUBLIC_URL"


@pytest.mark.parametrize("deadline", [60, 86_400])
def test_link_to_the_gateway_works_until_an_hour_after_the_deadline(
    lives: Lives, behind_gateway: Callable[[Life], Life], monkeypatch: pytest.MonkeyPatch, deadline: int
) -> None:
    life = behind_gateway(lives.begin_from(PICTURE, {**I2V, "deadline_seconds": deadline}))
    (link,) = asked(life, monkeypatch).inputs.image_urls
    ends = int(parse_qs(urlsplit(link).query)["e"][0])
    assert ends == int((life.row.deadline_at + timedelta(hours=1)).timestamp())


NO_PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)


def test_quoted_link_to_an_upload_stays_private(lives: Lives) -> None:
    life = lives.begin_from(NO_PICTURE, I2V)
    assert life.step() is Stage.FAILED
    assert "[link]" in str(life.row.error_message)
    assert "Amz" not in str(life.row.error_message)


def test_quoted_link_to_the_gateway_stays_private(lives: Lives, behind_gateway: Callable[[Life], Life]) -> None:
    life = behind_gateway(lives.begin_from(NO_PICTURE, I2V))
    assert life.step() is Stage.FAILED
    assert "[link]" in str(life.row.error_message)
    assert "t=" not in str(life.row.error_message)


def test_vendor_that_reads_inputs_gets_the_bytes_of_an_upload(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    life = lives.begin_from(PICTURE, I2V)
    request = asked(life, monkeypatch, reads_inputs=InputsRead.ALL)
    assert life.row.stage is Stage.GENERATING
    url = upload_url(the_upload(life).id)
    assert request.inputs.image_urls == [url]
    assert request.files == {url: InputFile(PICTURE, "image/png")}


def test_vendor_gets_bytes_of_uploads_and_links_to_web_inputs(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = "https://media.example/nobody-reads-this.png"
    life = lives.begin_from(PICTURE, {"model": "nano-banana-pro", "image_urls": [elsewhere]})
    request = asked(life, monkeypatch, reads_inputs=InputsRead.UPLOADS)
    assert life.row.stage is Stage.GENERATING
    url = upload_url(the_upload(life).id)
    assert request.inputs.image_urls == [url, elsewhere]
    assert request.files == {url: InputFile(PICTURE, "image/png")}


@pytest.mark.parametrize("size", [len(PICTURE), 6 * 1024**2], ids=["small", "large"])
def test_runway_makes_a_video_of_an_upload_after_a_head_request(lives: Lives, size: int) -> None:
    turbo = {"model": "gen-4-turbo-image-to-video", "duration_seconds": 5}
    life = lives.begin_from(PICTURE.ljust(size, b"\0"), turbo, delivered=SMALL)
    with capture_logs() as lines:
        assert life.go(until=TERMINAL) is Stage.COMPLETED
    asked = [line["operation"] for line in lines if line["event"] == "vendor_call"]
    assert asked[: asked.index("submit")] == (["begin_upload", "upload"] if size > len(PICTURE) else [])
    assert life.accepted_creates() == 1


@pytest.mark.parametrize("reads_inputs", InputsRead)
def test_deleted_upload_fails_the_generation_and_releases_the_hold(
    lives: Lives, monkeypatch: pytest.MonkeyPatch, reads_inputs: InputsRead
) -> None:
    monkeypatch.setattr(Kie, "reads_inputs", reads_inputs)
    life = lives.begin_from(PICTURE, I2V)
    assert uploads.delete(life.database, life.worker.objects, life.customer.id, the_upload(life).id)
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.row.error_message) == (
        ErrorCode.INPUT_UNREADABLE,
        "image_urls.0 is an upload that was deleted",
    )
    assert (life.accepted_creates(), life.balance) == (0, Balance(available=1000, held=0))


def test_upload_missing_in_the_store_fails_the_generation(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kie, "reads_inputs", InputsRead.ALL)
    life = lives.begin_from(PICTURE, I2V)
    life.worker.objects.remove(the_upload(life).object_key)
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.INPUT_UNREADABLE


@pytest.fixture
def nowhere(worker: WorkerServices) -> Iterator[ObjectStore]:
    """An object store that does not answer."""
    store = ObjectStore(worker.settings.s3.model_copy(update={"endpoint": "127.0.0.1:1"}))
    yield store
    store.close()


def test_outage_of_the_object_store_counts_as_no_failure(
    lives: Lives, nowhere: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kie, "reads_inputs", InputsRead.ALL)
    life = lives.begin_from(PICTURE, I2V)
    worker = life.worker
    life.worker = replace(worker, objects=nowhere)
    for _ in range(life.settings.pipeline.submit_failures + 1):
        assert life.step() is Stage.QUEUED
    assert (life.row.failures, life.row.crashes, life.accepted_creates()) == (0, 0, 0)
    life.worker = worker
    monkeypatch.setattr(Kie, "reads_inputs", InputsRead.NONE)
    assert life.step() is Stage.GENERATING


def test_expired_upload_is_swept_with_its_object(lives: Lives) -> None:
    life = lives.begin_from(PICTURE, I2V)
    objects, key = life.worker.objects, the_upload(life).object_key
    life.go(until=TERMINAL)
    assert counts(swept(life.database, objects, AT_ONCE)) == {}, "it has not expired"
    expire(life)
    assert counts(swept(life.database, objects, AT_ONCE, is_dry=True)) == {SweepKind.UPLOADS: 1}
    (found,) = swept(life.database, objects, RetentionSettings(), SweepKind.UPLOADS)
    assert found.total == Portion(1, len(PICTURE))
    assert (objects.stat(key), kept(life.database)) == (None, 0)
    assert audit(life.database, objects, AT_ONCE).breaches == []


def test_upload_is_kept_until_an_hour_after_the_deadline(lives: Lives) -> None:
    life = lives.begin_from(PICTURE, {**I2V, "deadline_seconds": 86_400})
    with life.database.transaction() as session:
        # Of these 25 hours all but the last are over.
        session.execute(text("UPDATE uploads SET expires_at = expires_at - interval '24 hours'"))
    life.set("deadline_at = clock_timestamp()")
    assert counts(swept(life.database, life.worker.objects, RetentionSettings(), SweepKind.UPLOADS)) == {}
    assert kept(life.database) == 1


class _Unhelpful(ObjectStore):
    """An object store that deletes nothing."""

    def remove(self, key: str) -> None:
        raise OSError(key)


def test_object_left_after_its_uploads_row_is_swept_as_an_orphan(lives: Lives, worker: WorkerServices) -> None:
    life = lives.begin_from(PICTURE, I2V)
    key = the_upload(life).object_key
    life.go(until=TERMINAL)
    expire(life)
    unhelpful = _Unhelpful(worker.settings.s3)
    (found,) = swept(life.database, unhelpful, RetentionSettings(), SweepKind.UPLOADS)
    unhelpful.close()
    assert (found.total.failed, kept(life.database)) == (1, 0)
    assert audit(life.database, worker.objects).orphans == 1
    assert counts(swept(life.database, worker.objects, AT_ONCE)) == {SweepKind.OBJECTS: 1}
    assert worker.objects.stat(key) is None


def test_request_over_redis_may_contain_an_image(database: Database, worker: WorkerServices) -> None:
    customer = new_customer(database, 100)
    uri = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    request = {"model": "kling-2.6-image-to-video", "prompt": "fog", "image_urls": [uri]}
    arguments: dict[str, object] = {"customer_id": str(customer.id), "request": request, "idempotency_key": "order-1"}
    answer, again = enqueue(worker, {**arguments}), enqueue(worker, {**arguments})
    assert (again["id"], again["is_new"]) == (answer["id"], False)
    upload = give(database, worker.objects, customer, PICTURE)
    with database.transaction() as session:
        row = session.exec(select(Generation).where(Generation.id == UUID(str(answer["id"])))).one()
    assert row.order["inputs"]["image_urls"] == [upload_url(upload.id)]  # type: ignore[index]
    assert kept(database) == 1
    torn = problem(enqueue(worker, {**arguments, "request": {**request, "image_urls": [f"{uri}*"]}}))
    assert (torn["status"], torn["errors"][0]["field"]) == (422, "image_urls.0")  # type: ignore[index]
    stranger = problem(enqueue(worker, {**arguments, "customer_id": str(uuid4())}))
    assert (stranger["status"], kept(database)) == (404, 1)


def test_upload_over_the_models_limit_is_refused(lives: Lives) -> None:
    with pytest.raises(
        InvalidRequest, match=r"image_urls.0 has 31457281 bytes; at most 31457280 are allowed"
    ) as refused:
        lives.begin_from(PICTURE.ljust(31_457_281, b"x"), {"model": "nano-banana-pro"})
    assert "'allowed': {'max_bytes': 31457280}" in repr(refused.value.extra["errors"])


def test_order_without_inputs_runs_two_statements(
    database: Database, worker: WorkerServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = new_customer(database, 1000)
    upload = give(database, worker.objects, customer, PICTURE)
    asked: list[str] = []
    execute = Sql._execute

    def counted(self: Sql, statement: str, given: dict[str, object]) -> object:
        asked.append(statement)
        return execute(self, statement, given)

    monkeypatch.setattr(Sql, "_execute", counted)

    def order(**request: object) -> int:
        asked.clear()
        wanted = GenerationRequest.model_validate({"prompt": "fog", **request})
        with database.statements() as lent:
            acceptance.accept(lent, customer.id, wanted, worker.catalogue.order, worker.settings.pipeline)
        return len(asked)

    image = {"model": "kling-2.6-image-to-video"}
    assert order(model="nano-banana") == order(**image, image_urls=["https://media.example/1.png"]) == 2
    assert order(**image, image_urls=[upload_url(upload.id)]) == 4


def test_uploads_over_the_total_limit_are_refused(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kie, "reads_inputs", InputsRead.ALL)
    life = lives.begin_from(PICTURE, I2V)
    limits = life.settings.inputs.model_copy(update={"max_total_bytes": len(PICTURE) - 1})
    life.worker = replace(life.worker, settings=life.settings.model_copy(update={"inputs": limits}))
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.INPUT_UNREADABLE
    assert (life.accepted_creates(), life.balance) == (0, Balance(available=1000, held=0))


def test_waiting_for_an_input_reader_counts_as_no_failure(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kie, "reads_inputs", InputsRead.ALL)
    readers = Shares(each=1, total=1)
    monkeypatch.setattr(inputs, "_READERS", readers)
    life = lives.begin_from(PICTURE, I2V)
    with readers.taken_by(uuid4()):
        assert life.step() is Stage.QUEUED
    assert (life.row.failures, life.accepted_creates()) == (0, 0)
    plain = lives.begin()
    with readers.taken_by(uuid4()):
        assert plain.step() is Stage.GENERATING
