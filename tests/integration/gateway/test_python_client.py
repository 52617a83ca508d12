"""The Python client against the gateway: the client that blocks, and where input and output differ, both clients."""

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from reelworks_client import (
    Client,
    Conflict,
    ConnectionFailed,
    DamagedFile,
    Event,
    GenerationFailed,
    InsufficientCredits,
    InvalidRequest,
    NotFound,
    ReelworksError,
    TerminalBar,
    Unauthenticated,
    Unavailable,
    WaitTimeout,
)
from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tasks import variants
from tasks.services import WorkerServices
from tests.contract.raw_server import Answer, RawServer, Request, hang_up, http, raw
from tests.e2e.clients.relays import ask, cut_after_the_answer, passed_on
from tests.integration.clients.forms import Connect, awaiting_clients, blocking_clients
from tests.integration.gateway.finishing import complete, fail
from tests.media_files.images import png
from tests.support import NewCustomer

PICTURE = png(640, 360)

Finish = Callable[[str], None]


FORMS = [blocking_clients, awaiting_clients]

in_both_forms = pytest.mark.parametrize("connect", FORMS, indirect=True, ids=["blocking", "awaiting"])


@pytest.fixture
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes a client of a URL with a key."""
    with getattr(request, "param", blocking_clients)() as connect:
        yield connect


@pytest.fixture
def url(gateway: httpx.Client) -> str:
    """The address of the gateway."""
    return str(gateway.base_url).rstrip("/")


@pytest.fixture
def client(connect: Connect, url: str, customer: NewCustomer) -> Client:
    """A client of the customer, who has 100 credits."""
    return connect(url, customer.api_key)


@pytest.fixture
def relay() -> Iterator[RawServer]:
    """A server between a client and the gateway."""
    with RawServer() as server:
        yield server


@pytest.fixture
def through(connect: Connect, relay: RawServer, customer: NewCustomer) -> Client:
    """A client of the customer that reaches the gateway through the relay."""
    return connect(relay.url, customer.api_key)


@pytest.fixture
def finish(database: Database, settings: Settings, objects: ObjectStore) -> Finish:
    """Completes a generation with the picture."""

    def finish(generation_id: str) -> None:
        complete(database, settings, objects, UUID(generation_id), PICTURE)

    return finish


@in_both_forms
def test_order_is_a_generation_that_has_begun(client: Client) -> None:
    ordered = client.order("a lighthouse", model="nano-banana", aspect_ratio="16:9", metadata={"thread": "7"})
    assert (ordered.status, ordered.credits.held, ordered.metadata) == ("queued", 4, {"thread": "7"})
    assert client.generation(ordered.id).inputs["aspect_ratio"] == "16:9"
    assert client.me().credits["held"] == 4


def test_order_with_the_same_key_is_the_same_generation(client: Client) -> None:
    ids = {client.order("a lighthouse", model="nano-banana", idempotency_key="one").id for _ in range(2)}
    assert len(ids) == 1
    assert client.order("a lighthouse", model="nano-banana").id not in ids


@in_both_forms
def test_order_whose_answer_is_lost_is_sent_again_with_its_key(through: Client, relay: RawServer, url: str) -> None:
    relay.will(cut_after_the_answer(url), passed_on(url), passed_on(url))
    ordered = through.order("a lighthouse", model="nano-banana")
    first, second = (request.headers["idempotency-key"] for request in relay.requests)
    assert first == second
    assert [each.id for each in through.generations()] == [ordered.id]


def test_request_is_repeated_after_the_time_that_the_service_names(through: Client, relay: RawServer, url: str) -> None:
    relay.will(http(503, headers={"Retry-After": "1"}), passed_on(url))
    began = time.monotonic()
    assert through.me().name == "a test"
    assert time.monotonic() - began >= 1
    assert len(relay.requests) == 2


def test_trouble_that_lasts_is_an_error(connect: Connect, relay: RawServer) -> None:
    client = connect(relay.url, "rw_key", retry_for=1)
    relay.will(http(503, headers={"Retry-After": "30", "X-Request-ID": "r-1"}))
    with pytest.raises(Unavailable) as refused:
        client.me()
    assert (refused.value.retry_after, refused.value.request_id) == (30, "r-1")


def test_request_that_must_not_be_repeated_is_sent_once(connect: Connect, relay: RawServer) -> None:
    client = connect(relay.url, "rw_key")
    relay.will(lambda _, connection: hang_up(connection))
    with pytest.raises(ConnectionFailed):
        client.share(str(uuid4()))
    relay.will(http(503))
    with pytest.raises(Unavailable):
        client.request("POST", "/v1/credits/grants", json={"amount": 1})
    assert len(relay.requests) == 2


def test_wait_returns_the_end(client: Client, finish: Finish) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    finish(ordered.id)
    done = client.wait(ordered.id)
    assert done.result
    assert (done.status, done.result.size_bytes) == ("completed", len(PICTURE))


@in_both_forms
def test_wait_with_progress_tells_each_step(client: Client, finish: Finish) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    finish(ordered.id)
    events: list[Event] = []
    assert client.wait(ordered.id, progress=events.append).status == "completed"
    assert [event.stage for event in events][:: len(events) - 1] == ["queued", "completed"]
    assert sorted(event.progress for event in events) == [event.progress for event in events]


@pytest.mark.parametrize("progress", [None, lambda _: None], ids=["silent", "progress"])
def test_wait_gives_up_in_time(client: Client, progress: Callable[[Event], None] | None) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    with pytest.raises(WaitTimeout, match=ordered.id):
        client.wait(ordered.id, timeout=0.2, progress=progress)
    assert client.cancel(ordered.id).status == "cancelled"


def test_generate_raises_the_end_without_a_result(client: Client, database: Database, settings: Settings) -> None:
    ordered = client.order("a lighthouse", model="nano-banana", idempotency_key="one")
    fail(database, settings, UUID(ordered.id), ErrorCode.PROVIDER_FAILED, "the vendor failed")
    with pytest.raises(GenerationFailed) as failed:
        client.generate("a lighthouse", model="nano-banana", idempotency_key="one")
    generation = failed.value.generation
    assert generation.error
    assert generation.outcome
    assert (generation.error.code, generation.outcome.retryable) == ("provider_failed", True)
    assert client.retry(ordered.id).retry_of == ordered.id


@in_both_forms
def test_stream_resumes_after_a_lost_connection(
    client: Client, through: Client, relay: RawServer, url: str, finish: Finish
) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    finish(ordered.id)
    relay.will(_cut_in_the_middle(url), passed_on(url))
    events = list(through.events(ordered.id))
    assert events == list(client.events(ordered.id))
    assert relay.requests[-1].headers["last-event-id"] in [event.id for event in events[:-1]]
    assert list(client.events(ordered.id, after=events[-1].id)) == []


def _cut_in_the_middle(url: str) -> Answer:
    """Send a half of a stream, up to the middle of a message, and cut the connection."""

    def answer(request: Request, connection: object) -> None:
        body = ask(url, request).content
        half = body[: body.index(b"\n\n", len(body) // 2) - 10]
        head = b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nContent-Length: 99999\r\n\r\n"
        raw(head + half)(request, connection)  # type: ignore[arg-type]

    return answer


def test_all_events_go_on_from_the_last(client: Client, finish: Finish) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    finish(ordered.id)
    first, *_, last = client.events(ordered.id)
    for event in client.all_events(after=first.id):
        if event.type == "end":
            break
    assert event == last


def test_refusals_are_typed(client: Client, connect: Connect, url: str) -> None:
    with pytest.raises(NotFound) as not_found:
        client.generation(str(uuid4()))
    assert not_found.value.request_id
    with pytest.raises(InvalidRequest) as invalid:
        client.order("a lighthouse", model="nano-banana", aspect_ratio="7:7")
    assert [problem.field for problem in invalid.value.errors] == ["aspect_ratio"]
    with pytest.raises(InsufficientCredits) as poor:
        client.order_batch(prompts=["a lighthouse"] * 30, request={"model": "nano-banana"})
    assert (poor.value.credits_needed, poor.value.credits_available) == (120, 100)
    with pytest.raises(Unauthenticated):
        connect(url, "rw_wrong").me()


def test_batch_is_ordered_read_and_cancelled_together(client: Client) -> None:
    batch = client.order_batch(
        [{"prompt": "a lighthouse", "model": "nano-banana"}, {"prompt": "a boat", "model": "nano-banana"}]
    )
    assert (batch.counts.total, batch.has_ended) == (2, False)
    with pytest.raises(WaitTimeout):
        client.wait_for_batch(batch.id, timeout=0)
    assert client.cancel_batch(batch.id).counts.cancelled == 2
    assert client.wait_for_batch(batch.id).has_ended


@in_both_forms
def test_lists_read_all_pages(client: Client) -> None:
    ids = [client.order("a lighthouse", model="nano-banana").id for _ in range(3)]
    assert [each.id for each in client.generations(limit=1, status=["queued", "failed"])] == ids[::-1]
    transfers = list(client.items("/v1/credits/transfers", params={"limit": 1}))
    assert [transfer["kind"] for transfer in transfers] == ["hold"] * 3 + ["grant"]


def test_price_is_known_before(client: Client) -> None:
    estimate = client.estimate("a lighthouse", model="nano-banana", number_of_outputs=3)
    assert (estimate.credits, estimate.number_of_outputs) == (12, 3)
    assert "nano-banana" in [model.name for model in client.models()]


@in_both_forms
def test_upload_takes_bytes_paths_and_files(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "first.png"
    path.write_bytes(PICTURE)
    uploads = {client.upload(source).url for source in (PICTURE, path, str(path), io.BytesIO(PICTURE))}
    assert uploads == {f"upload:{client.upload(PICTURE).id}"}


@in_both_forms
def test_download_goes_on_after_a_lost_connection(
    client: Client, through: Client, relay: RawServer, url: str, finish: Finish, tmp_path: Path
) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    finish(ordered.id)
    head = b"HTTP/1.1 200 X\r\nContent-Length: %d\r\n\r\n" % len(PICTURE)
    relay.will(passed_on(url), raw(head + PICTURE[:100]), passed_on(url))
    path = through.download(ordered.id, tmp_path)
    assert path == tmp_path / f"{ordered.id}.png"
    assert path.read_bytes() == PICTURE == client.content(ordered.id)
    assert relay.requests[-1].headers["range"] == "bytes=100-"
    assert list(tmp_path.iterdir()) == [path]


@in_both_forms
def test_variants_of_an_order_are_told_and_fetched(client: Client, finish: Finish, worker: WorkerServices) -> None:
    wanted: list[str | dict[str, object]] = ["web", {"name": "small", "width": 64}]
    ordered = client.order("a lighthouse", model="nano-banana", variants=wanted)
    finish(ordered.id)
    with pytest.raises(Conflict, match="variant_not_ready"):
        client.content(ordered.id, variant="small")
    variants.run(worker)
    made = {each.name: each for each in client.generation(ordered.id).variants}
    assert {name: (each.kind, each.state) for name, each in made.items()} == {
        "web": ("web", "ready"), "small": ("copy", "ready")
    }  # fmt: skip
    content = client.content(ordered.id, variant="small")
    assert hashlib.sha256(content).hexdigest() == made["small"].files[0].sha256
    with pytest.raises(NotFound, match="web, small"):
        client.content(ordered.id, variant="large")


def test_download_of_other_bytes_is_refused(
    client: Client, through: Client, relay: RawServer, url: str, finish: Finish, tmp_path: Path
) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    finish(ordered.id)
    relay.will(passed_on(url), http(200, b"\0" * len(PICTURE)))
    with pytest.raises(DamagedFile):
        through.download(ordered.id, tmp_path / "result.png")
    assert list(tmp_path.iterdir()) == []


def test_download_before_the_end_is_refused(client: Client, tmp_path: Path) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    with pytest.raises(Conflict, match="not_ready"):
        client.download(ordered.id, tmp_path)


def test_share_and_deletion(client: Client, finish: Finish) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    finish(ordered.id)
    assert client.share(ordered.id, expires_in=60).url.startswith("http")
    client.delete(ordered.id)
    with pytest.raises(NotFound):
        client.generation(ordered.id)


def test_bar_shows_the_progress(client: Client, finish: Finish) -> None:
    ordered = client.order("a lighthouse", model="nano-banana")
    finish(ordered.id)
    output = io.StringIO()
    client.wait(ordered.id, progress=TerminalBar(output))
    lines = output.getvalue().splitlines()
    assert lines[0].startswith("  0 %")
    assert lines[-1].startswith("100 %")
    assert lines[-1].endswith("completed")


def test_address_and_key_come_from_the_environment(
    gateway: httpx.Client, customer: NewCustomer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REELWORKS_URL", raising=False)
    with pytest.raises(ReelworksError, match="REELWORKS_URL"):
        Client()
    monkeypatch.setenv("REELWORKS_URL", url)
    monkeypatch.setenv("REELWORKS_API_KEY", customer.api_key)
    with Client() as client:
        assert client.me().id == str(customer.id)
