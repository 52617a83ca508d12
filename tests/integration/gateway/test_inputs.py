"""The links to inputs, for providers that cannot reach the object store."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from schemas.input_link import input_link
from schemas.settings import Settings
from storage.objects import ObjectStore

BODY = bytes(range(256)) * 2000


@pytest.fixture
def key(objects: ObjectStore) -> str:
    key = f"uploads/{uuid4()}/a picture of 50 %.png"
    objects.put_bytes(key, BODY, content_type="image/png")
    return key


def _link(settings: Settings, key: str, *, minutes: float = 5) -> str:
    """Path and query of a link."""
    secret = settings.secret_key.get_secret_value()
    url = input_link(settings.public_url, secret, key, datetime.now(UTC) + timedelta(minutes=minutes))
    assert url.startswith(f"{settings.public_url}/inputs/uploads/")
    return urlsplit(url)._replace(scheme="", netloc="").geturl()


def test_a_link_returns_the_file_without_a_key(gateway: httpx.Client, settings: Settings, key: str) -> None:
    answer = gateway.get(_link(settings, key))

    assert (answer.status_code, answer.content) == (200, BODY)
    assert (answer.headers["content-type"], answer.headers["content-length"]) == ("image/png", str(len(BODY)))


def test_a_link_answers_head_and_ranges(gateway: httpx.Client, settings: Settings, key: str) -> None:
    link = _link(settings, key)

    head = gateway.head(link)
    part = gateway.get(link, headers={"Range": "bytes=10-19", "If-Range": head.headers["etag"]})

    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(BODY)), b"")
    assert (part.status_code, part.headers["content-range"]) == (206, f"bytes 10-19/{len(BODY)}")
    assert part.content == BODY[10:20]


def test_an_expired_link_is_refused(gateway: httpx.Client, settings: Settings, key: str) -> None:
    answer = gateway.get(_link(settings, key, minutes=-1))

    assert (answer.status_code, answer.json()["detail"]) == (401, "this link has ended")


@pytest.mark.parametrize("change", ["key", "end", "token", "no token"])
def test_a_changed_link_is_refused(
    gateway: httpx.Client, settings: Settings, objects: ObjectStore, key: str, change: str
) -> None:
    link = _link(settings, key)
    end = link.rpartition("?e=")[2].partition("&")[0]
    objects.put_bytes("uploads/another", b"theirs", content_type="image/png")
    changed = {
        "key": link.replace(link.partition("?")[0], "/inputs/uploads/another"),
        "end": link.replace(f"e={end}", f"e={int(end) + 1}"),
        "token": link[:-1] + ("A" if link[-1] != "A" else "B"),
        "no token": link.partition("?")[0],
    }[change]

    answer = gateway.get(changed)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.json()["detail"] == "this is not a link that was handed out here"


def test_a_link_to_a_deleted_file_is_answered_with_404(
    gateway: httpx.Client, settings: Settings, objects: ObjectStore, key: str
) -> None:
    link = _link(settings, key)
    objects.remove(key)

    answer = gateway.get(link)

    assert (answer.status_code, answer.json()["detail"]) == (404, "the file was deleted")
