"""The headers of a file: which part is sent, whether any is sent, and under which name a browser saves it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest

from api_gateway import create_app
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, a_generation

BODY = b"a picture of some bytes"


@pytest.fixture
def path(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> str:
    """The path of a completed generation."""
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, BODY)
    return f"/v1/generations/{generation_id}"


def _fetch(gateway: httpx.Client, path: str, customer: NewCustomer, **headers: str) -> httpx.Response:
    sent = customer.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    return gateway.get(f"{path}/content", headers=sent)


def test_a_file_tells_when_it_was_stored(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    modified = parsedate_to_datetime(_fetch(gateway, path, customer).headers["last-modified"])

    assert abs(datetime.now(UTC) - modified) < timedelta(minutes=5)


def test_a_client_with_the_file_gets_304_by_its_time(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    modified = _fetch(gateway, path, customer).headers["last-modified"]
    earlier = format_datetime(parsedate_to_datetime(modified) - timedelta(seconds=1), usegmt=True)

    same = _fetch(gateway, path, customer, if_modified_since=modified)
    assert (same.status_code, same.content, same.headers["last-modified"]) == (304, b"", modified)
    assert _fetch(gateway, path, customer, if_modified_since=earlier).status_code == 200


def test_the_tag_decides_before_the_time(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    modified = _fetch(gateway, path, customer).headers["last-modified"]

    answer = _fetch(gateway, path, customer, if_modified_since=modified, if_none_match='"another"')

    assert (answer.status_code, answer.content) == (200, BODY)


@pytest.mark.parametrize("text", ["", "yesterday", "Sat, 99 Nov 2026 12:00:00 GMT"])
def test_a_time_that_is_no_date_is_ignored(gateway: httpx.Client, path: str, customer: NewCustomer, text: str) -> None:
    assert _fetch(gateway, path, customer, if_modified_since=text).status_code == 200


def test_a_part_continues_by_the_time_of_the_file(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    modified = _fetch(gateway, path, customer).headers["last-modified"]
    later = format_datetime(parsedate_to_datetime(modified) + timedelta(seconds=1), usegmt=True)

    part = _fetch(gateway, path, customer, range="bytes=2-5", if_range=modified)
    assert (part.status_code, part.content) == (206, BODY[2:6])
    assert _fetch(gateway, path, customer, range="bytes=2-5", if_range=later).status_code == 200


def test_a_weak_tag_continues_no_part(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    tag = _fetch(gateway, path, customer).headers["etag"]

    assert _fetch(gateway, path, customer, range="bytes=2-5", if_range=f"W/{tag}").status_code == 200


@pytest.mark.parametrize(("query", "kind"), [("", "inline"), ("?download=0", "inline"), ("?download=1", "attachment")])
def test_a_download_is_saved_under_a_name(
    gateway: httpx.Client, path: str, customer: NewCustomer, query: str, kind: str
) -> None:
    answer = gateway.get(f"{path}/content{query}", headers=customer.headers)

    name = path.rpartition("/")[2]
    assert answer.headers["content-disposition"] == f'{kind}; filename="{name}.png"'


def test_a_link_to_the_object_store_keeps_the_name(settings: Settings, path: str, customer: NewCustomer) -> None:
    s3 = settings.s3.model_copy(update={"public_endpoint": settings.s3.endpoint})
    with serving(create_app(settings.model_copy(update={"s3": s3}))) as gateway:
        link = gateway.get(f"{path}/content?download=1", headers=customer.headers).headers["location"]

    answer = httpx.get(link, trust_env=False)
    name = path.rpartition("/")[2]
    assert (answer.content, answer.headers["content-disposition"]) == (BODY, f'attachment; filename="{name}.png"')
