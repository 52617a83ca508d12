"""Links to results at a CDN, and the gateway behind such a CDN."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from urllib.parse import unquote

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from api_gateway import create_app
from schemas import content_link
from schemas.setting_groups import CdnSettings
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, a_generation

BODY = b"a picture of some bytes"
CDN = "https://cdn.example/media"
SECRET = "a-secret-that-the-edge-knows-as-well"


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway behind a CDN."""
    cdn = CdnSettings(base_url=f"{CDN}/", secret=SecretStr(SECRET))
    with serving(create_app(settings.model_copy(update={"cdn": cdn}))) as client:
        yield client


@pytest.fixture
def path(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> str:
    """The path of a completed generation."""
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, BODY)
    return f"/v1/generations/{generation_id}"


def _link(gateway: httpx.Client, path: str, customer: NewCustomer, query: str = "") -> str:
    answer = gateway.get(f"{path}/content{query}", headers=customer.headers)
    assert answer.status_code == 302
    return str(answer.headers["location"])


def _at_the_gateway(link: str) -> str:
    """The request that a CDN makes to the gateway for a link."""
    return f"/files{link.removeprefix(CDN)}"


def test_content_redirects_to_the_cdn(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    link = _link(gateway, path, customer)

    assert link.startswith(f"{CDN}/customers/")
    assert _link(gateway, path, customer) == link, "caches know a link of the same hour"


def test_an_edge_checks_a_link_as_the_runbook_says(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    for query in ("", "?download=1"):
        signed, _, token = _link(gateway, path, customer, query).removeprefix(f"{CDN}/").partition("&t=")

        digest = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
        assert token == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_the_gateway_delivers_by_a_link_and_caches_may_keep_the_file(
    gateway: httpx.Client, path: str, customer: NewCustomer
) -> None:
    answer = gateway.get(_at_the_gateway(_link(gateway, path, customer)))

    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["etag"] == f'"{hashlib.sha256(BODY).hexdigest()}"'
    assert answer.headers["content-disposition"].startswith("inline")


def test_a_link_to_a_download_has_a_name(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    answer = gateway.get(_at_the_gateway(_link(gateway, path, customer, "?download=1")))

    name = path.rpartition("/")[2]
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.png"'


def test_a_changed_link_is_refused(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    link = _at_the_gateway(_link(gateway, path, customer))
    signed, _, token = link.partition("&t=")
    key, _, expires = signed.partition("?e=")

    for changed in (
        f"{signed}&t={token[:-1]}",
        signed,
        f"{key}?e={int(expires) + 3600}&t={token}",
        f"{key}x?e={expires}&t={token}",
        f"{signed}&n=other.png&t={token}",
        f"{key}?e=soon&t={token}",
        f"{key}?e={'9' * 5000}&t={token}",
    ):
        assert gateway.get(changed).status_code == 401, changed


def test_a_link_ends(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    key = unquote(_link(gateway, path, customer).removeprefix(f"{CDN}/").partition("?")[0])
    old = content_link.content_link(CDN, SECRET, key, now=1_000_000.0, saved_as=None)

    answer = gateway.get(_at_the_gateway(old))

    assert (answer.status_code, "has ended" in answer.json()["detail"]) == (401, True)


def test_bytes_still_come_from_the_gateway_on_demand(gateway: httpx.Client, path: str, customer: NewCustomer) -> None:
    answer = gateway.get(f"{path}/content?delivery=stream", headers=customer.headers)

    assert answer.content == BODY


def test_without_a_cdn_no_link_of_that_kind_works(settings: Settings) -> None:
    with serving(create_app(settings)) as gateway:
        unsigned = content_link.content_link("", "", "customers/x.png", now=4e9, saved_as=None)

        assert gateway.get(f"/files{unsigned}").status_code == 401


@pytest.mark.parametrize(("url", "secret"), [("cdn.example", SECRET), (CDN, ""), (CDN, "short")])
def test_half_a_cdn_is_refused(url: str, secret: str) -> None:
    with pytest.raises(ValidationError):
        CdnSettings(base_url=url, secret=SecretStr(secret))
