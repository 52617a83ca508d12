"""Links by which everybody may see a result."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from schemas.settings import Settings
from schemas.share_link import share_link
from schemas.share_tables import Share
from storage import shares
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.test_pages import References, policy
from tests.support import NewCustomer, a_generation, a_share, eventually

BODY = b"a picture of some bytes"


@dataclass(frozen=True)
class Shared:
    """A completed generation with a share."""

    id: UUID
    path: str
    share_id: str
    link: str
    """The page, relative to the gateway."""


@pytest.fixture
def generation_id(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> UUID:
    """A completed generation with a poster."""
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, BODY, poster=True)
    return generation_id


@pytest.fixture
def shared(gateway: httpx.Client, settings: Settings, generation_id: UUID, customer: NewCustomer) -> Shared:
    path = f"/v1/generations/{generation_id}/shares"
    made = gateway.post(path, headers=customer.headers).raise_for_status().json()
    return Shared(generation_id, path, made["id"], made["url"].removeprefix(settings.public_url))


def _with_path(link: str, more: str) -> str:
    path, _, query = link.partition("?")
    return f"{path}/{more}?{query}"


def test_a_share_is_a_page_without_a_key(gateway: httpx.Client, shared: Shared) -> None:
    page = gateway.get(shared.link)

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<img " in page.text
    file = gateway.get(_with_path(shared.link, "result"))
    assert (file.status_code, file.content) == (200, BODY)
    assert gateway.get(_with_path(shared.link, "poster")).content == b"a poster"


def test_the_page_shows_a_player_for_a_video(gateway: httpx.Client, database: Database, shared: Shared) -> None:
    with database.statement() as sql:
        sql.run("UPDATE assets SET content_type = 'video/mp4' WHERE role = 'result'")

    page = gateway.get(shared.link).text

    assert "<video " in page
    assert " controls" in page
    assert 'poster="' in page


def test_the_page_loads_files_of_this_server_only_and_is_not_indexed(gateway: httpx.Client, shared: Shared) -> None:
    page = gateway.get(shared.link)

    allowed = policy(page)
    assert allowed["default-src"] == {"'none'"}
    assert set.union(*allowed.values()) == {"'self'", "'none'"}
    assert "script-src" not in allowed
    found = References(page.text)
    assert found.is_inline == []
    assert [address for address in found.addresses if ":" in address or address.startswith("/")] == []
    for address in found.addresses:
        assert gateway.get(httpx.URL(f"http://gateway{shared.link}").join(address).raw_path.decode()).is_success, (
            address
        )
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert 'name="robots" content="noindex, nofollow"' in page.text


def test_the_page_tells_nothing_of_the_order(gateway: httpx.Client, shared: Shared, customer: NewCustomer) -> None:
    page = gateway.get(shared.link).text

    order = gateway.get(f"/v1/generations/{shared.id}", headers=customer.headers).json()
    for secret in (order["inputs"]["prompt"], str(customer.id), order["model"]):
        assert secret not in page


def test_a_shared_file_is_sent_in_parts(gateway: httpx.Client, shared: Shared) -> None:
    part = gateway.get(_with_path(shared.link, "result"), headers={"Range": "bytes=2-5"})

    assert (part.status_code, part.content) == (206, BODY[2:6])


def test_views_are_counted(gateway: httpx.Client, shared: Shared, customer: NewCustomer) -> None:
    for _ in range(3):
        gateway.get(shared.link)
    gateway.head(shared.link)
    gateway.get(_with_path(shared.link, "result"))

    def views() -> int:
        found = gateway.get(shared.path, headers=customer.headers).json()["data"][0]
        return int(found["views"])

    assert eventually(views, lambda seen: seen >= 3) == 3


def test_a_revoked_share_is_gone_at_once(gateway: httpx.Client, shared: Shared, customer: NewCustomer) -> None:
    for _ in range(2):
        answer = gateway.delete(f"{shared.path}/{shared.share_id}", headers=customer.headers)
        assert answer.status_code == 204

    for link in (shared.link, _with_path(shared.link, "result")):
        page = gateway.get(link)
        assert (page.status_code, page.headers["content-type"]) == (410, "text/html; charset=utf-8")
        assert "This link has ended" in page.text
    listed = gateway.get(shared.path, headers=customer.headers).json()["data"]
    assert [share["revoked_at"] is not None for share in listed] == [True]


def test_an_ended_share_is_gone(
    gateway: httpx.Client, database: Database, settings: Settings, generation_id: UUID
) -> None:
    share_id = a_share(database, generation_id, expires_in=timedelta(seconds=-1))
    link = share_link("", settings.secret_key.get_secret_value(), share_id)

    assert gateway.get(link).status_code == 410


def test_a_share_of_a_deleted_file_is_gone(gateway: httpx.Client, database: Database, shared: Shared) -> None:
    with database.statement() as sql:
        sql.run("UPDATE assets SET expired_at = clock_timestamp()")

    assert gateway.get(shared.link).status_code == 410


@pytest.mark.parametrize(
    "change", [lambda link: link[:-1], lambda link: link.partition("?")[0], lambda link: link + "x"]
)
def test_a_link_without_its_token_is_not_found(
    gateway: httpx.Client, shared: Shared, change: Callable[[str], str]
) -> None:
    page = gateway.get(change(shared.link))

    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("share_id", ["b1f5a1f4-5a53-4c0e-9f5d-5d6a3f1c7a10", "x", "../v1"])
def test_an_unknown_share_is_not_found(gateway: httpx.Client, shared: Shared, share_id: str) -> None:
    token = shared.link.partition("?")[2]

    assert gateway.get(f"/shares/{share_id}?{token}").status_code == 404


def test_a_share_ends_when_the_customer_says(gateway: httpx.Client, shared: Shared, customer: NewCustomer) -> None:
    made = gateway.post(shared.path, headers=customer.headers, json={"expires_in": 3600})

    assert made.status_code == 201
    left = datetime.fromisoformat(made.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=50) < left <= timedelta(minutes=61)
    for wrong in (0, 59, 90 * 86400 + 1, "3600", None):
        refused = gateway.post(shared.path, headers=customer.headers, json={"expires_in": wrong})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "expires_in"), wrong


def test_an_unfinished_generation_cannot_be_shared(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)

    answer = gateway.post(f"/v1/generations/{generation_id}/shares", headers=customer.headers)

    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


def test_shares_are_the_customers_own(
    gateway: httpx.Client, shared: Shared, make_customer: Callable[[int], NewCustomer]
) -> None:
    stranger = make_customer(0).headers

    assert gateway.get(shared.path, headers=stranger).status_code == 404
    assert gateway.post(shared.path, headers=stranger).status_code == 404
    assert gateway.delete(f"{shared.path}/{shared.share_id}", headers=stranger).status_code == 404
    assert gateway.get(shared.link).status_code == 200


def test_a_generation_has_a_bounded_number_of_working_shares(
    gateway: httpx.Client, database: Database, shared: Shared, customer: NewCustomer
) -> None:
    with database.transaction() as session:
        first = session.get_one(Share, UUID(shared.share_id))
        for _ in range(shares.MOST - 1):
            session.add(Share(generation_id=shared.id, customer_id=first.customer_id, expires_at=first.expires_at))

    refused = gateway.post(shared.path, headers=customer.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_shares")
    gateway.delete(f"{shared.path}/{shared.share_id}", headers=customer.headers)
    assert gateway.post(shared.path, headers=customer.headers).status_code == 201
