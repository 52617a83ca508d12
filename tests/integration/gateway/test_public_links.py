"""Links to results that work without a key."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Request
from pydantic import SecretStr
from sqlmodel import select

from api_gateway import create_app
from gateway.public_links import PublicLinks
from schemas.setting_groups import CdnSettings, SeedSettings
from schemas.settings import Settings
from schemas.tables import Asset
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, a_generation

BODY = b"a picture of some bytes"
CDN = CdnSettings(base_url="https://cdn.example", secret=SecretStr("a-secret-that-the-edge-knows-as-well"))


@pytest.fixture
def asset(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> Asset:
    """The result of a completed generation."""
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, BODY)
    with database.transaction() as session:
        return session.exec(select(Asset).where(Asset.generation_id == generation_id)).one()


def _request_to(host: str) -> Request:
    return Request({"type": "http", "scheme": "http", "path": "/", "headers": [(b"host", host.encode())]})


def test_a_link_needs_no_key_and_serves_ranges(settings: Settings, asset: Asset) -> None:
    app = create_app(settings)
    with serving(app) as client:
        link = PublicLinks(app.state.services, _request_to(client.base_url.netloc.decode())).of(asset, saved_as="a.png")
        whole, part = client.get(link), client.get(link, headers={"Range": "bytes=0-1"})
        changed = client.get(link.replace("e=", "e=1"))

    assert (whole.status_code, whole.content) == (200, BODY)
    assert whole.headers["content-disposition"].startswith("attachment")
    assert (part.status_code, part.content) == (206, BODY[:2])
    assert changed.status_code == 401


@pytest.mark.parametrize(("ends_in", "most"), [(None, 3600), (100, 100)])
def test_a_cache_keeps_no_file_longer_than_its_link_and_its_time(
    settings: Settings, database: Database, asset: Asset, ends_in: int | None, most: int
) -> None:
    if ends_in is not None:
        with database.transaction() as session:
            session.get_one(Asset, asset.id).expires_at = datetime.now(UTC) + timedelta(seconds=ends_in)
    app = create_app(
        settings.model_copy(update={"seeds": SeedSettings(link_seconds=60 if ends_in is None else 86_400)})
    )
    with serving(app) as client:
        link = PublicLinks(app.state.services, _request_to(client.base_url.netloc.decode())).of(asset)
        told = client.get(link).headers["cache-control"]

    scope, _, seconds = told.partition(", max-age=")
    # A link of 60 seconds ends within 120.
    assert scope == "private"
    assert 0 < int(seconds) <= min(most, 120)


def test_a_link_names_the_public_address_or_the_cdn(settings: Settings, asset: Asset) -> None:
    app = create_app(settings.model_copy(update={"public_url": "https://api.example"}))
    with serving(app):
        assert PublicLinks(app.state.services, _request_to("other")).of(asset).startswith("https://api.example/files/")
    app = create_app(settings.model_copy(update={"cdn": CDN}))
    with serving(app):
        assert PublicLinks(app.state.services, _request_to("other")).of(asset).startswith("https://cdn.example/cust")
