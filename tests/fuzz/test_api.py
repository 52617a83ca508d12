"""Every operation answers as the OpenAPI document says, whatever is sent."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from api_gateway import create_app
from schemas import callback_token
from schemas.content_link import content_link
from schemas.enums import Kind, Scope
from schemas.errors import LeaseLost
from schemas.input_link import input_link
from schemas.setting_groups import CdnSettings, OpenaiSettings, StreamSettings
from schemas.settings import Settings
from storage import customers
from storage.api_keys import OPERATOR, Terms
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import returns
from storage.webhooks import deliveries, endpoints
from tests.fuzz.api import Api, Operation, Outcome, run
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.serving import serving
from tests.integration.gateway.test_callbacks import signed
from tests.integration.gateway.videos import a_made_video
from tests.support import NewCustomer, a_generation, a_share, an_order, clean_settings

pytestmark = pytest.mark.slow

RICH = 1_000_000
CDN_SECRET = "a-secret-that-the-edge-knows-as-well"
SEED = 2
NODE = "k123"

# The tool puts no id of ours into a body, signs no body, keeps no cookie and has no finished preview. Integration tests
# reach these operations.
BEYOND_THE_TOOL = {
    "POST /v1/generations/{generation_id}/continue",
    "POST /video/extend",
    "POST /openai/v1/videos/extensions",
    "POST /callbacks/{provider}/{generation_id}",
    "POST /api/kie-callback",
    "POST /api/kie-video-callback",
    # By the cookie of a sign-in alone.
    "GET /v1/session",
    "PUT /v1/session/customer",
    "DELETE /v1/session/customer",
}


@pytest.fixture
def api(
    settings: Settings, database: Database, objects: ObjectStore, make_customer: Callable[[int], NewCustomer]
) -> Iterator[Api]:
    """A gateway with a rich customer who has a batch: one generation is completed, and one waits."""
    owner, stranger = make_customer(RICH), make_customer(RICH)
    batch_id = uuid4()
    of_batch = an_order().model_copy(update={"batch_id": batch_id, "reference": NODE})
    of_node = an_order().model_copy(update={"kind": Kind.VIDEO, "reference": NODE})
    video_id = a_generation(database, settings, owner, of_node)
    generation_id, _ = (a_generation(database, settings, owner, of_batch) for _ in range(2))
    stored = complete(database, settings, objects, generation_id, b"a picture", poster=True)
    # The tool puts no value with a slash into a path.
    result_key = f"{uuid4()}.png"
    objects.put_bytes(result_key, b"a picture", content_type="image/png")
    with database.statement() as sql:
        sql.run(
            "UPDATE assets SET object_key = %(key)s WHERE object_key = %(was)s", key=result_key, was=stored.object_key
        )
    # A stream of a waiting generation has no end of its own.
    changes = {
        "cdn": CdnSettings(secret=SecretStr(CDN_SECRET)),
        "streams": StreamSettings(longest_seconds=1),
        "openai": OpenaiSettings(image_wait_seconds=20),
    }
    settings = settings.model_copy(update=changes)
    with serving(create_app(settings)) as client, images_made(database, settings, objects):
        address = str(client.base_url).rstrip("/")
        share_id = a_share(database, generation_id)
        known = operations(settings, objects, generation_id, batch_id, result_key, share_id)
        known += of_videos(a_made_video(owner, database, settings, objects))
        known += of_seeds(settings, generation_id, video_id)
        known += of_webhooks(database, owner)
        known.append(of_an_event(database, generation_id))
        yield Api(address, owner.api_key, stranger.api_key, known)


@contextmanager
def images_made(database: Database, settings: Settings, objects: ObjectStore) -> Iterator[None]:
    """Complete the generations of orders with a key or a digest in a thread: an image request waits for its end."""
    ends = threading.Event()

    def make() -> None:
        while not ends.wait(0.05):
            with database.statement() as sql:
                newest = sql.first(_NEWEST)
            if newest is not None:
                # A request may cancel the generation meanwhile.
                with suppress(LeaseLost, AssertionError):
                    complete(database, settings, objects, newest, b"a picture")

    thread = threading.Thread(target=make)
    thread.start()
    yield
    ends.set()
    thread.join()


_NEWEST = returns(UUID)("""
    SELECT id FROM generations LEFT JOIN order_digests ON generation_id = id
    WHERE stage = 'queued' AND kind = 'image' AND (idempotency_key IS NOT NULL OR value IS NOT NULL)
    ORDER BY generations.created_at DESC LIMIT 1
""")


def operations(
    settings: Settings, objects: ObjectStore, generation_id: UUID, batch_id: UUID, result_key: str, share_id: UUID
) -> list[Operation]:
    """The ways into the operations that take an id, a token or a signature of ours."""
    secret, text = settings.secret_key.get_secret_value(), str(generation_id)
    at_cdn = parse_qs(urlsplit(content_link("", CDN_SECRET, result_key, now=time.time(), saved_as=None)).query)
    key = f"{uuid4()}.png"
    objects.put_bytes(key, b"a picture", content_type="image/png")
    link = parse_qs(urlsplit(input_link("", secret, key, datetime.now(UTC) + timedelta(hours=1))).query)
    file = "/v1/generations/{generation_id}"
    token = callback_token.sign(secret, generation_id)
    return [
        Operation(f"{file}/content", {"path.generation_id": text}),
        Operation(f"{file}/timeline", {"path.generation_id": text}),
        Operation(f"{file}/retry", {"path.generation_id": text}),
        Operation(f"{file}/continue", {"path.generation_id": text}),
        Operation("/v1/batches/{batch_id}", {"path.batch_id": str(batch_id)}),
        Operation("/v1/batches/{batch_id}/cancel", {"path.batch_id": str(batch_id)}),
        Operation(f"{file}/rating", {"path.generation_id": text}),
        Operation(f"{file}/thumbnail", {"path.generation_id": text}),
        Operation(f"{file}/shares", {"path.generation_id": text}),
        Operation(f"{file}/shares/{{share_id}}", {"path.generation_id": text, "path.share_id": str(share_id)}),
        Operation("/files/{key}", {"path.key": result_key, "query.e": at_cdn["e"][0], "query.t": at_cdn["t"][0]}),
        Operation("/inputs/{key}", {"path.key": key, "query.e": link["e"][0], "query.t": link["t"][0]}),
        Operation("/webhooks/{provider}", {"path.provider": "kie"}, signed(settings)),
        Operation(
            "/callbacks/{provider}/{generation_id}",
            {"path.provider": "kie", "path.generation_id": text, "query.t": token},
            signed(settings),
        ),
    ]


def of_videos(generation_id: UUID) -> list[Operation]:
    """The ways into the operations that need a completed video."""
    openai, seeds, known = "/openai/v1/videos/{video_id}", "/video/{video_id}", {"path.video_id": str(generation_id)}
    by_path = (
        f"{openai}/content",
        f"{openai}/remix",
        seeds,
        f"{seeds}/download",
        f"/api{seeds}",
        f"/api{seeds}/download",
    )
    by_query = Operation("/api/get-video-status", {"query.id": str(generation_id)})
    return [*(Operation(path, known) for path in by_path), by_query]


def of_seeds(settings: Settings, image_id: UUID, video_id: UUID) -> list[Operation]:
    """The ways into the operations of earlier services."""
    ids = {Kind.IMAGE: image_id, Kind.VIDEO: video_id}
    secret = settings.secret_key.get_secret_value()
    callbacks = [
        Operation(
            path,
            {
                f"query.{parameter}": NODE,
                "query.provider": "kie",
                "query.generation": str(ids[kind]),
                "query.t": callback_token.sign(secret, ids[kind]),
            },
            signed(settings),
        )
        for kind, (path, parameter) in callback_token.NODE_CALLBACKS.items()
    ]
    return [
        *callbacks,
        Operation("/image/{image_id}", {"path.image_id": str(image_id)}),
        Operation("/image/{image_id}/download", {"path.image_id": str(image_id)}),
    ]


def of_webhooks(database: Database, owner: NewCustomer) -> list[Operation]:
    """The ways into the operations of endpoints. Each has its own, because some of them end or pause an endpoint."""
    path, known = "/v1/webhooks/endpoints/{endpoint_id}", []
    with database.transaction() as session:
        for act in ("", "/secret", "/rotate-secret", "/pause", "/resume", "/test", "/redeliver"):
            made = endpoints.create(session, owner.id, "https://shop.example/hooks", types=["*"])
            assert made is not None
            known.append(Operation(f"{path}{act}", {"path.endpoint_id": str(made.id)}))
            message = {"path.delivery_id": str(deliveries.send_test(session, made).id)}
    path = "/v1/webhooks/deliveries/{delivery_id}"
    return [*known, Operation(path, message), Operation(f"{path}/redeliver", message)]


def of_an_event(database: Database, generation_id: UUID) -> Operation:
    """The way into the operation of one event."""
    with database.statement() as sql:
        event_id = sql.first(_FIRST_EVENT, generation_id=generation_id)
    return Operation("/v1/events/{event_id}", {"path.event_id": event_id or 0})


_FIRST_EVENT = returns(int)("SELECT min(id) FROM events WHERE generation_id = %(generation_id)s")


@pytest.fixture
def managed(api: Api, database: Database, make_customer: Callable[[int], NewCustomer]) -> Api:
    """The same gateway with the operator as the owner of the key."""
    with database.transaction() as session:
        key = customers.create_key_of(session, OPERATOR, Terms(scopes=tuple(Scope))).material
        service = customers.create_service(session, "a service")
        spare = {"path.key_id": str(customers.create_key_of(session, OPERATOR, Terms()).row.id)}
    other = str(make_customer(RICH).id)
    known = [
        Operation("/v1/admin/customers/{customer_id}", {"path.customer_id": other}),
        Operation("/v1/admin/services/{service_id}/keys", {"path.service_id": str(service.id)}),
        Operation("/v1/keys/{key_id}", spare),
        Operation("/v1/keys/{key_id}/rotate", spare),
    ]
    return replace(api, owner=key, operations=known)


def of_customers() -> set[str]:
    """The operations that need no other scopes than `generate` and `read`."""
    paths = create_app(clean_settings()).openapi()["paths"]
    return {
        f"{method.upper()} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if operation.get("x-required-scope") not in {Scope.ADMIN, Scope.GRANT}
    }


def assert_conforms(outcome: Outcome) -> None:
    """No check failed."""
    report = outcome.report
    assert (report.failures, report.errors, report.exit_code) == ([], [], 0), outcome.text


def assert_reaches(outcome: Outcome) -> None:
    """Every operation for customers accepted a request."""
    missed = of_customers() - outcome.report.reached - BEYOND_THE_TOOL
    assert missed == set(), f"{missed}\n{outcome.text}"


@pytest.mark.timeout(1200)
def test_every_answer_is_as_documented(api: Api, tmp_path: Path) -> None:
    outcome = run(api, tmp_path, "--seed", str(SEED), "--max-examples", "6", "--phases", "examples,fuzzing")
    assert_conforms(outcome)
    assert_reaches(outcome)


@pytest.mark.timeout(1200)
def test_every_answer_to_the_operator_is_as_documented(managed: Api, tmp_path: Path) -> None:
    mine = ("--include-path-regex", "^/v1/(admin|keys|credits/grants)")
    outcome = run(managed, tmp_path, "--seed", str(SEED), "--max-examples", "5", *mine)
    assert_conforms(outcome)
    assert "GET /v1/admin/customers" in outcome.report.reached, outcome.text


@pytest.mark.timeout(1200)
def test_every_answer_to_thousands_of_requests_is_as_documented(api: Api, tmp_path: Path) -> None:
    outcome = run(api, tmp_path, "--seed", str(SEED), "--max-examples", "50")
    assert_conforms(outcome)
    assert_reaches(outcome)
    assert outcome.report.test_cases.generated >= 2000, outcome.text
