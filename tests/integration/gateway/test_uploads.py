"""Uploads of images and videos, and orders that use them."""

import base64
import hashlib
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from api_gateway import create_app
from media import decoder
from schemas.media_types import TAKEN
from schemas.settings import Settings
from storage import ledger
from storage.database import Database
from storage.ledger import Balance
from storage.objects import PART_BYTES, ObjectStore
from storage.uploads import PREFIX
from tests.integration.gateway.serving import serving
from tests.media_files.images import image, png
from tests.support import NewCustomer, eventually
from tests.unit.intake.test_video_length import video

PICTURE = png(64, 48)
VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(100)
GIF = b"GIF89a" + bytes(100)
I2V = {"model": "kling-2.6-image-to-video", "prompt": "the fog lifts"}


def upload(gateway: httpx.Client, customer: NewCustomer, body: bytes | Iterator[bytes]) -> httpx.Response:
    # The type that curl sends with --data-binary.
    headers = customer.headers | {"Content-Type": "application/x-www-form-urlencoded"}
    return gateway.post("/v1/uploads", content=body, headers=headers)


def url_of(answer: httpx.Response) -> str:
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["url"]
    return url


def order(gateway: httpx.Client, customer: NewCustomer, *images: str, key: str = "", **more: object) -> httpx.Response:
    headers = customer.headers | ({"Idempotency-Key": key} if key else {})
    return gateway.post("/v1/generations", json={**I2V, "image_urls": images, **more}, headers=headers)


def data_uri(content: bytes, content_type: str = "image/png") -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


def errors(answer: httpx.Response) -> dict[str, str]:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    return {problem["field"]: problem["message"] for problem in answer.json()["errors"]}


def keys(objects: ObjectStore, customer: NewCustomer) -> list[str]:
    return [found.key for found in objects.list(f"{PREFIX}{customer.id}/")]


def chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 65536):
        yield body[start : start + 65536]


def expire(database: Database, by: timedelta = timedelta(days=8)) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE uploads SET expires_at = expires_at - :by"), {"by": by})


def test_the_length_of_an_uploaded_video_is_measured(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = upload(gateway, customer, video(3))
    assert (answer.status_code, answer.json()["duration_seconds"]) == (201, 3.0)
    assert gateway.get(answer.headers["location"], headers=customer.headers).json()["duration_seconds"] == 3.0


def test_a_file_is_stored_unchanged_with_the_type_of_its_bytes(
    gateway: httpx.Client, objects: ObjectStore, customer: NewCustomer
) -> None:
    answer = upload(gateway, customer, PICTURE)
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/uploads/{body['id']}"
    lives_for = datetime.fromisoformat(body.pop("expires_at")) - datetime.now(UTC)
    assert timedelta(days=7) - timedelta(minutes=5) < lives_for < timedelta(days=7, minutes=5)
    assert body == {
        "object": "upload",
        "id": body["id"],
        "url": f"upload:{body['id']}",
        "content_type": "image/png",
        "size_bytes": len(PICTURE),
        "sha256": hashlib.sha256(PICTURE).hexdigest(),
        "duration_seconds": None,
    }
    again = gateway.get(answer.headers["location"], headers=customer.headers)
    assert (again.status_code, again.json()) == (200, answer.json())
    (key,) = keys(objects, customer)
    assert objects.read_range(key, 0, len(PICTURE)) == PICTURE
    found = objects.stat(key)
    assert found is not None
    assert found.content_type == "image/png"


def test_uploading_a_file_again_extends_the_same_upload(
    gateway: httpx.Client, database: Database, objects: ObjectStore, customer: NewCustomer
) -> None:
    first = upload(gateway, customer, PICTURE).json()
    expire(database, timedelta(days=2))
    again = upload(gateway, customer, chunks(PICTURE)).json()
    assert again["id"] == first["id"]
    assert again["expires_at"] > first["expires_at"]
    assert len(keys(objects, customer)) == 1


def test_an_upload_of_another_customer_is_not_found(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer], customer: NewCustomer
) -> None:
    stranger = make_customer(100)
    mine = upload(gateway, customer, PICTURE).json()
    theirs = upload(gateway, stranger, PICTURE).json()
    assert theirs["id"] != mine["id"]
    path = f"/v1/uploads/{mine['id']}"
    assert gateway.get(path, headers=stranger.headers).status_code == 404
    assert gateway.delete(path, headers=stranger.headers).status_code == 404
    assert list(errors(order(gateway, stranger, mine["url"]))) == ["image_urls.0"]
    assert gateway.get(path, headers=customer.headers).status_code == 200
    assert gateway.post("/v1/uploads", content=PICTURE).status_code == 401


def test_a_file_of_several_parts_is_stored_whole(
    gateway: httpx.Client, objects: ObjectStore, customer: NewCustomer
) -> None:
    video = VIDEO + b"reelworks" * (PART_BYTES // 6)
    assert len(video) > PART_BYTES
    answer = upload(gateway, customer, chunks(video))
    assert (answer.status_code, answer.json()["content_type"]) == (201, "video/mp4")
    assert answer.json()["sha256"] == hashlib.sha256(video).hexdigest()
    (key,) = keys(objects, customer)
    with objects.stream(key) as stored:
        assert hashlib.sha256(b"".join(stored)).hexdigest() == hashlib.sha256(video).hexdigest()


@pytest.mark.parametrize("send", [bytes, chunks])
def test_an_image_above_the_limit_is_refused_and_not_stored(
    gateway: httpx.Client,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    send: Callable[[bytes], bytes | Iterator[bytes]],
) -> None:
    most = settings.inputs.max_image_bytes
    assert upload(gateway, customer, send(PICTURE.ljust(most, b"x"))).status_code == 201
    answer = upload(gateway, customer, send(PICTURE.ljust(most + 1, b"y")))
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
    assert f"an image may have up to {most} bytes" in answer.json()["detail"]
    assert len(keys(objects, customer)) == 1
    assert list(objects.multipart_uploads(PREFIX)) == []


# Vendors deliver the last two, and no vendor takes them as inputs.
@pytest.mark.parametrize(
    "body", [b"", b"<svg/>", b"%PDF-1.7" + bytes(100), b"\x00\x00\x00\x10ftypheic" + bytes(100), image("AVIF")]
)
def test_a_file_of_another_type_is_refused_with_the_supported_types(
    gateway: httpx.Client, customer: NewCustomer, body: bytes
) -> None:
    answer = upload(gateway, customer, body)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert all(media.content_type in answer.json()["detail"] for media in TAKEN)


def test_a_deleted_file_is_gone(gateway: httpx.Client, objects: ObjectStore, customer: NewCustomer) -> None:
    path = upload(gateway, customer, PICTURE).headers["location"]
    assert gateway.delete(path, headers=customer.headers).status_code == 204
    assert gateway.get(path, headers=customer.headers).status_code == 404
    assert gateway.delete(path, headers=customer.headers).status_code == 404
    assert keys(objects, customer) == []


def test_an_order_keeps_its_upload_until_the_generation_ends(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    given = upload(gateway, customer, PICTURE)
    path, url = given.headers["location"], url_of(given)
    with database.transaction() as session:
        session.execute(text("UPDATE uploads SET expires_at = now() + interval '1 minute'"))
    answer = order(gateway, customer, f"upload:{given.json()['id'].upper()}", deadline_seconds=86_400)
    assert answer.status_code == 202, answer.text
    seen = gateway.get(answer.headers["location"], headers=customer.headers).json()
    assert seen["inputs"]["image_urls"] == [url]
    kept = gateway.get(path, headers=customer.headers).json()
    assert kept["expires_at"] > seen["deadline_at"]


def test_an_unknown_upload_is_refused_before_credits_are_held(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    url = url_of(upload(gateway, customer, PICTURE))
    expire(database)
    assert gateway.get(f"/v1/uploads/{url.removeprefix('upload:')}", headers=customer.headers).status_code == 404
    for wrong in (url, f"upload:{uuid4()}"):
        assert errors(order(gateway, customer, wrong)) == {
            "image_urls.0": "is no upload of yours, or has expired: send the file to POST /v1/uploads again"
        }
    assert list(errors(order(gateway, customer, "upload:1"))) == ["image_urls.0"]
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == Balance(available=100, held=0)


@pytest.mark.parametrize(("body", "content_type"), [(VIDEO, "video/mp4"), (GIF, "image/gif")])
def test_a_file_of_an_unsupported_type_is_refused_with_the_supported_types(
    gateway: httpx.Client, database: Database, customer: NewCustomer, body: bytes, content_type: str
) -> None:
    answer = order(gateway, customer, url_of(upload(gateway, customer, body)))
    assert errors(answer) == {"image_urls.0": f"must be image/png or image/jpeg or image/webp, not {content_type}"}
    assert answer.json()["errors"][0]["allowed"] == ["image/png", "image/jpeg", "image/webp"]
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == Balance(available=100, held=0)


def test_a_data_uri_becomes_an_upload_and_the_same_body_is_the_same_request(
    gateway: httpx.Client, objects: ObjectStore, customer: NewCustomer
) -> None:
    # More than the limit of other bodies.
    picture = PICTURE.ljust(2 * 1024 * 1024, b"x")
    answer = order(gateway, customer, data_uri(picture), key="order-1")
    assert answer.status_code == 202, answer.text
    (url,) = answer.json()["inputs"]["image_urls"]
    assert url == url_of(upload(gateway, customer, picture))
    again = order(gateway, customer, data_uri(picture), key="order-1")
    named = order(gateway, customer, url, key="order-1")
    for replay in (again, named):
        assert (replay.headers.get("idempotency-replayed"), replay.json()) == ("true", answer.json())
    assert order(gateway, customer, data_uri(PICTURE), key="order-1").json()["code"] == "idempotency_mismatch"
    assert len(keys(objects, customer)) == 2


def test_a_request_can_be_repeated_after_its_upload_was_deleted(gateway: httpx.Client, customer: NewCustomer) -> None:
    given = upload(gateway, customer, PICTURE)
    first = order(gateway, customer, url_of(given), key="order-1")
    gateway.delete(given.headers["location"], headers=customer.headers)
    again = order(gateway, customer, url_of(given), key="order-1")
    assert (first.status_code, again.status_code, again.json()["id"]) == (202, 202, first.json()["id"])


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("data:image/png;base64,iVBOR!!!", "is no base64"),
        ("data:image/png;base64,iVBORw0KG", "is no base64"),
        ("data:image/png;base64,é", "is no base64"),
        ("data:image/png,plain", "is of another type, where one of image/png, image/jpeg"),
        ("data:", "has no comma before its content"),
        (data_uri(b"s3cret"), "is of another type, where one of image/png, image/jpeg"),
        (data_uri(VIDEO, "video/mp4"), "is video/mp4, where one of image/png"),
    ],
)
def test_a_wrong_data_uri_is_refused_without_repeating_it(
    gateway: httpx.Client, customer: NewCustomer, uri: str, message: str
) -> None:
    answer = order(gateway, customer, "https://media.example/1.png", uri)
    ((field, said),) = errors(answer).items()
    assert field == "image_urls.1"
    assert said.startswith(message)
    assert "iVBOR" not in answer.text


def test_orders_and_uploads_have_different_body_limits(
    gateway: httpx.Client, settings: Settings, customer: NewCustomer
) -> None:
    headers = customer.headers | {"Content-Type": "application/json"}
    for path, most in (("/v1/generations", settings.inputs.max_request_bytes), ("/webhooks/kie", 1024 * 1024)):
        answer = gateway.post(path, content=b" " * (most + 1), headers=headers)
        assert answer.status_code == 413
        assert f"up to {most} bytes" in answer.json()["detail"]


def test_an_id_of_an_upload_is_a_uuid(gateway: httpx.Client, customer: NewCustomer) -> None:
    assert UUID(upload(gateway, customer, PICTURE).json()["id"]).version == 5
    assert gateway.get("/v1/uploads/1", headers=customer.headers).status_code == 404


def test_uploads_that_do_not_come_cost_only_their_owner_a_place(
    settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer, other = make_customer(0), make_customer(0)
    head = (
        f"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nX-API-Key: {customer.api_key}\r\n"
        "Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n"
    )
    with serving(create_app(settings)) as gateway, ExitStack() as stack:
        for _ in range(settings.inputs.uploads_at_once):
            address = (gateway.base_url.host, gateway.base_url.port)
            half = stack.enter_context(socket.create_connection(address, timeout=30))
            half.sendall(head.encode())
            assert half.recv(100).startswith(b"HTTP/1.1 100")  # the gateway reads the body
        refused = upload(gateway, customer, PICTURE)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert upload(gateway, other, PICTURE).status_code == 201
        stack.close()
        eventually(lambda: upload(gateway, customer, PICTURE).status_code, lambda status: status == 201)


def test_a_video_beyond_its_customers_share_of_the_decoder_is_refused_and_not_stored(
    gateway: httpx.Client, objects: ObjectStore, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_PATIENCE_SECONDS", 0)
    with decoder._PLACES.taken_by(customer.id), decoder._PLACES.taken_by(customer.id):
        refused = upload(gateway, customer, video(3))
        assert upload(gateway, customer, PICTURE).status_code == 201, "a picture is not measured"
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert "Retry-After" in refused.headers
    assert len(keys(objects, customer)) == 1
    assert upload(gateway, customer, video(3)).status_code == 201


def test_a_video_is_refused_while_slow_videos_of_others_take_the_whole_decoder(
    gateway: httpx.Client, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_PATIENCE_SECONDS", 0)
    with ExitStack() as places:
        for _ in range(decoder.FILES_AT_ONCE):
            places.enter_context(decoder._PLACES.taken_by(uuid4()))
        refused = upload(gateway, customer, video(3))
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


def test_large_orders_of_one_customer_have_places_of_their_own(
    gateway: httpx.Client, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer, other = make_customer(10), make_customer(10)
    address = (gateway.base_url.host, gateway.base_url.port or 80)
    large = 2 * 1024 * 1024

    def begin(of: NewCustomer) -> socket.socket:
        connection = socket.create_connection(address, timeout=10)
        head = f"POST /v1/generations HTTP/1.1\r\nHost: x\r\nX-API-Key: {of.api_key}\r\nContent-Type: application/json"
        connection.sendall(f"{head}\r\nContent-Length: {large}\r\n\r\n{{".encode())
        return connection

    with ExitStack() as open_ones:
        begun = [open_ones.enter_context(begin(customer)) for _ in range(settings.inputs.uploads_at_once + 1)]
        answered, _, _ = select.select(begun, [], [], 10)
        assert [connection.recv(12) for connection in answered] == [b"HTTP/1.1 429"]
        answer = gateway.post(
            "/v1/generations", content=b" " * large, headers={**other.headers, "Content-Type": "application/json"}
        )
        assert answer.json()["detail"].startswith("the body is not valid JSON"), answer.text
