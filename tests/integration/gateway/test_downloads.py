"""How downloads are counted."""

from collections.abc import Callable

import httpx
import pytest

from api_gateway import create_app
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, a_generation, eventually

BODY = b"a picture of some bytes"


@pytest.fixture
def path(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> str:
    """The path of a completed generation with a poster."""
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, BODY, poster=True)
    return f"/v1/generations/{generation_id}"


@pytest.fixture
def tell(gateway: httpx.Client, path: str, customer: NewCustomer) -> Callable[[], int]:
    """The downloads that the generation shows."""
    return lambda: int(gateway.get(path, headers=customer.headers).json()["downloads"])


def test_whole_files_and_first_parts_count(
    gateway: httpx.Client, path: str, customer: NewCustomer, tell: Callable[[], int]
) -> None:
    assert tell() == 0
    for range_ in (None, "bytes=0-", "bytes=0-3", "bytes=4-"):
        sent = customer.headers | ({} if range_ is None else {"Range": range_})
        assert gateway.get(f"{path}/content", headers=sent).is_success

    assert eventually(tell, lambda told: told >= 3) == 3


def test_a_head_a_known_file_a_thumbnail_and_an_error_count_for_nothing(
    gateway: httpx.Client, path: str, customer: NewCustomer, tell: Callable[[], int]
) -> None:
    tag = gateway.head(f"{path}/content", headers=customer.headers).headers["etag"]
    assert gateway.get(f"{path}/content", headers=customer.headers | {"If-None-Match": tag}).status_code == 304
    assert gateway.get(f"{path}/thumbnail", headers=customer.headers).status_code == 200
    assert gateway.get(f"{path}/content", headers=customer.headers | {"Range": "bytes=99-"}).status_code == 416
    assert gateway.get(f"{path}/content").status_code == 401
    gateway.get(f"{path}/content", headers=customer.headers)

    assert eventually(tell, lambda told: told >= 1) == 1


def test_a_redirect_counts_and_a_gateway_that_stops_writes_its_counts(
    settings: Settings, path: str, customer: NewCustomer, tell: Callable[[], int]
) -> None:
    s3 = settings.s3.model_copy(update={"public_endpoint": settings.s3.endpoint})
    with serving(create_app(settings.model_copy(update={"s3": s3}))) as public:
        assert public.get(f"{path}/content", headers=customer.headers).status_code == 302

    assert tell() == 1
