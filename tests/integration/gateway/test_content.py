import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import select

from api_gateway import create_app
from gateway.conditions import Conditions
from gateway.content import Delivery, deliver
from gateway.problems import AssetExpired
from schemas.enums import ErrorCode
from schemas.settings import Settings
from schemas.tables import Asset
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.integration.gateway.serving import logged, request_logs, serving
from tests.support import NewCustomer, a_generation, own_logs

# Larger than the chunks in which it is streamed.
BODY = bytes(range(256)) * 2000
SIZE = len(BODY)


@dataclass(frozen=True)
class Completed:
    """A completed generation's files."""

    path: str
    headers: dict[str, str]


@pytest.fixture
def completed(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> Completed:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, BODY, poster=True)
    return Completed(f"/v1/generations/{generation_id}", customer.headers)


@pytest.fixture(scope="module")
def public_gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A client of a gateway whose customers reach the object store."""
    s3 = settings.s3.model_copy(update={"public_endpoint": settings.s3.endpoint})
    with serving(create_app(settings.model_copy(update={"s3": s3}))) as client:
        yield client


def _stream(gateway: httpx.Client, completed: Completed, **headers: str) -> httpx.Response:
    sent = completed.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    return gateway.get(f"{completed.path}/content", params={"delivery": "stream"}, headers=sent)


@pytest.mark.parametrize(("file", "body"), [("content", BODY), ("thumbnail", b"a poster")])
def test_without_a_public_object_store_files_are_streamed(
    gateway: httpx.Client, completed: Completed, file: str, body: bytes
) -> None:
    answer = gateway.get(f"{completed.path}/{file}", headers=completed.headers)

    assert (answer.status_code, answer.content) == (200, body)


def test_without_a_public_object_store_streams_answer_head_and_ranges(
    gateway: httpx.Client, completed: Completed
) -> None:
    _assert_same_head(gateway, f"{completed.path}/content", completed.headers)
    part = gateway.get(f"{completed.path}/content", headers=completed.headers | {"Range": "bytes=-5"})
    assert (part.status_code, part.content) == (206, BODY[-5:])


def test_without_a_public_object_store_a_link_is_refused(gateway: httpx.Client, completed: Completed) -> None:
    answer = gateway.get(f"{completed.path}/content?delivery=redirect", headers=completed.headers)

    body = answer.json()
    assert (answer.status_code, body["code"]) == (422, "invalid_request")
    assert body["detail"] == "there are no links to files here: leave `delivery` out, or ask for `stream`"


def test_a_redirect_to_a_public_object_store_is_optional(public_gateway: httpx.Client, completed: Completed) -> None:
    assert _stream(public_gateway, completed).content == BODY


@pytest.mark.parametrize("query", ["", "?delivery=redirect"])
def test_content_redirects_to_a_link_that_works_without_a_key(
    public_gateway: httpx.Client, completed: Completed, query: str
) -> None:
    answer = public_gateway.get(f"{completed.path}/content{query}", headers=completed.headers)

    assert answer.status_code == 302
    assert answer.headers["cache-control"] == "no-store"
    assert httpx.get(answer.headers["location"], trust_env=False).raise_for_status().content == BODY


def test_a_stream_is_the_whole_file(gateway: httpx.Client, completed: Completed) -> None:
    answer = _stream(gateway, completed)

    assert answer.status_code == 200
    assert answer.content == BODY
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{hashlib.sha256(BODY).hexdigest()}"'
    name = completed.path.rpartition("/")[2]
    assert answer.headers["content-disposition"] == f'inline; filename="{name}.png"'


@pytest.mark.parametrize(
    ("range_", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-70000", 100, 70000),
        (f"bytes={SIZE - 3}-", SIZE - 3, SIZE - 1),
        ("bytes=-5", SIZE - 5, SIZE - 1),
        (f"bytes=10-{SIZE * 2}", 10, SIZE - 1),
    ],
)
def test_a_range_request_returns_that_part(
    gateway: httpx.Client, completed: Completed, range_: str, first: int, last: int
) -> None:
    answer = _stream(gateway, completed, range=range_)

    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.content == BODY[first : last + 1]


def test_a_range_behind_the_end_is_refused_with_the_size(gateway: httpx.Client, completed: Completed) -> None:
    answer = _stream(gateway, completed, range=f"bytes={SIZE}-")

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "range_not_satisfiable"


def test_if_range_with_another_tag_gives_the_whole_file(gateway: httpx.Client, completed: Completed) -> None:
    etag = _stream(gateway, completed).headers["etag"]

    assert _stream(gateway, completed, range="bytes=0-9", if_range=etag).status_code == 206
    changed = _stream(gateway, completed, range="bytes=0-9", if_range='"another"')
    assert (changed.status_code, len(changed.content)) == (200, SIZE)


def test_a_matching_if_none_match_is_answered_with_304(gateway: httpx.Client, completed: Completed) -> None:
    etag = _stream(gateway, completed).headers["etag"]

    answer = _stream(gateway, completed, if_none_match=f'"another", {etag}')

    assert (answer.status_code, answer.content) == (304, b"")


def test_if_none_match_with_a_star_is_answered_with_304(gateway: httpx.Client, completed: Completed) -> None:
    answer = _stream(gateway, completed, if_none_match="*")

    assert (answer.status_code, answer.content) == (304, b"")


def test_a_lost_object_is_answered_with_a_problem_and_logged(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    asset = complete(database, settings, objects, generation_id, b"a picture")
    objects.remove(asset.object_key)

    with request_logs() as all_lines:
        answer = _stream(gateway, Completed(f"/v1/generations/{generation_id}", customer.headers))
        lines = logged(all_lines, answer.headers["x-request-id"])

    body = answer.json()
    assert (answer.status_code, body["code"]) == (409, "no_result")
    assert body["detail"] == f"the result of generation {generation_id} is lost: the operator has been told"
    [line] = [line for line in lines if line["log_level"] == "error"]
    assert (line["event"], line["key"]) == ("stored_object_missing", asset.object_key)


@pytest.fixture
def expired(database: Database, objects: ObjectStore, completed: Completed) -> Completed:
    with database.transaction() as session:
        session.execute(text("UPDATE assets SET expired_at = '2026-11-20T12:00:00Z'"))
        for key in session.execute(text("SELECT object_key FROM assets")).scalars():
            objects.remove(key)
    return completed


@pytest.mark.parametrize("file", ["content", "thumbnail"])
@pytest.mark.parametrize("delivery", ["redirect", "stream"])
def test_an_expired_file_is_answered_with_410_and_the_date(
    gateway: httpx.Client, expired: Completed, file: str, delivery: str
) -> None:
    answer = gateway.get(f"{expired.path}/{file}", params={"delivery": delivery}, headers=expired.headers)

    body = answer.json()
    assert (answer.status_code, body["code"], body["expired_at"]) == (410, "asset_expired", "2026-11-20T12:00:00+00:00")
    assert "was deleted on 2026-11-20" in body["detail"]


def test_a_generation_with_expired_files_has_no_links_to_them(gateway: httpx.Client, expired: Completed) -> None:
    body = gateway.get(expired.path, headers=expired.headers).json()

    assert body["status"] == "completed"
    assert body["links"] == {"self": expired.path, "content": None, "thumbnail": None}
    assert {asset["expired_at"] for asset in body["assets"]} == {"2026-11-20T12:00:00Z"}


def test_a_file_that_expires_during_the_request_is_reported_as_expired(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    complete(database, settings, objects, a_generation(database, settings, customer), b"a picture")
    with database.transaction() as session:
        read_before = session.exec(select(Asset)).one()
        session.expunge(read_before)
        session.execute(text("UPDATE assets SET expired_at = now()"))
    objects.remove(read_before.object_key)
    app = create_app(settings)

    with serving(app), own_logs() as lines, pytest.raises(AssetExpired):
        deliver(app.state.services, read_before, Delivery.STREAM, Conditions(), is_head=False)

    assert [line for line in lines if line["log_level"] == "error"] == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/models", "/v1/credits", "/docs"])
def test_head_is_answered_as_get_without_the_body(gateway: httpx.Client, customer: NewCustomer, path: str) -> None:
    _assert_same_head(gateway, path, customer.headers)


@pytest.mark.parametrize("path", ["", "/content?delivery=stream", "/thumbnail?delivery=stream"])
def test_head_of_a_generation_and_its_files(gateway: httpx.Client, completed: Completed, path: str) -> None:
    _assert_same_head(gateway, f"{completed.path}{path}", completed.headers)


@pytest.mark.parametrize("file", ["content", "thumbnail"])
def test_head_of_a_link_is_the_link(public_gateway: httpx.Client, completed: Completed, file: str) -> None:
    answer = public_gateway.head(f"{completed.path}/{file}", headers=completed.headers)

    assert (answer.status_code, answer.headers["cache-control"]) == (302, "no-store")
    assert "X-Amz-Signature" in answer.headers["location"]


@pytest.mark.parametrize(("file", "size"), [("content", SIZE), ("thumbnail", len(b"a poster"))])
def test_head_that_follows_the_link_ends_with_the_headers_of_the_file(
    public_gateway: httpx.Client, completed: Completed, file: str, size: int
) -> None:
    """As `curl -IL` does. The object store signs a link for one method."""
    link = public_gateway.head(f"{completed.path}/{file}", headers=completed.headers).headers["location"]
    answer = httpx.head(link, trust_env=False)

    assert (answer.status_code, answer.content) == (200, b"")
    assert (answer.headers["content-length"], answer.headers["content-type"]) == (str(size), "image/png")
    assert answer.headers["accept-ranges"] == "bytes"


def test_head_with_a_range_describes_the_whole_file(gateway: httpx.Client, completed: Completed) -> None:
    """RFC 9110, section 14.2: a range means something to GET only."""
    headers = completed.headers | {"Range": "bytes=0-9"}

    answer = gateway.head(f"{completed.path}/content?delivery=stream", headers=headers)

    assert (answer.status_code, answer.headers["content-length"]) == (200, str(SIZE))


def test_head_of_a_path_with_post_only_is_refused(gateway: httpx.Client) -> None:
    answer = gateway.head("/v1/uploads")

    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "POST", b"")


def _assert_same_head(gateway: httpx.Client, path: str, headers: dict[str, str]) -> None:
    asked = {**headers, "X-Request-ID": "same"}
    got, head = gateway.get(path, headers=asked), gateway.head(path, headers=asked)

    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}


def test_a_thumbnail_is_the_poster(gateway: httpx.Client, completed: Completed) -> None:
    answer = gateway.get(f"{completed.path}/thumbnail", params={"delivery": "stream"}, headers=completed.headers)

    assert (answer.status_code, answer.content) == (200, b"a poster")
    links = gateway.get(completed.path, headers=completed.headers).json()["links"]
    assert links["thumbnail"] == f"{completed.path}/thumbnail"


def test_without_a_poster_there_is_no_thumbnail(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture")

    answer = gateway.get(f"/v1/generations/{generation_id}/thumbnail", headers=customer.headers)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_unfinished_content_is_not_ready(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)

    answer = gateway.get(f"/v1/generations/{generation_id}/content", headers=customer.headers)

    assert answer.status_code == 409
    body = answer.json()
    assert (body["code"], body["generation_status"], body["progress"]) == ("not_ready", "queued", 0)


def test_the_content_of_a_failed_generation_is_answered_with_its_error(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    fail(database, settings, generation_id, ErrorCode.TIMEOUT, "it took too long")

    answer = gateway.get(f"/v1/generations/{generation_id}/content", headers=customer.headers)

    assert answer.status_code == 409
    body = answer.json()
    assert (body["code"], body["generation_status"]) == ("no_result", "failed")
    assert body["error"] == {"code": "timeout", "message": "it took too long"}


def test_an_unknown_delivery_is_refused(gateway: httpx.Client, completed: Completed) -> None:
    answer = gateway.get(f"{completed.path}/content", params={"delivery": "pigeon"}, headers=completed.headers)

    assert answer.status_code == 422
    [problem] = answer.json()["errors"]
    assert problem == {"field": "delivery", "message": 'must be "redirect" or "stream"'}
