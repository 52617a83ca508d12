"""Which requests by a session's cookie may change something, and who may sign in without a key."""

from collections.abc import Mapping

import pytest
from fastapi import Request

from gateway.cross_site import csrf_token, require_own_page, require_same_origin
from gateway.development_sign_in import is_possible
from gateway.problems import CrossSiteRequest, CsrfTokenMissing
from schemas.studio_settings import StudioSettings
from tests.support import clean_settings

SETTINGS = clean_settings().model_copy(
    update={"public_url": "https://studio.example", "studio": StudioSettings(development_sign_in=True)}
)
SESSION = "s" * 43
OWN = {"host": "127.0.0.1:8080"}


def a_request(headers: Mapping[str, str], *, method: str = "POST", client: str | None = "127.0.0.1") -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    sender = None if client is None else (client, 5000)
    return Request({"type": "http", "method": method, "path": "/v1/generations", "headers": raw, "client": sender})


def is_refused(headers: Mapping[str, str], *, method: str = "POST") -> str | None:
    try:
        require_own_page(a_request(headers, method=method), SESSION, SETTINGS)
    except (CrossSiteRequest, CsrfTokenMissing) as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"origin": "http://127.0.0.1:8080"},
        {"origin": "https://studio.example"},
        # A proxy between changed the host.
        {"origin": "https://media.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_a_request_of_our_page_with_the_token_passes(origin: dict[str, str]) -> None:
    assert is_refused({**OWN, **origin, "x-csrf-token": csrf_token(SESSION)}) is None


@pytest.mark.parametrize("token", [None, "", "x", csrf_token("t" * 43), SESSION, "ünicode"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_without_the_token_of_the_session_nothing_changes(method: str, token: str | None) -> None:
    given = {} if token is None else {"x-csrf-token": token}

    assert is_refused({**OWN, "sec-fetch-site": "same-origin", **given}, method=method) == "csrf_token_missing"


@pytest.mark.parametrize(
    "origin",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # another port of this host
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8080"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "http://127.0.0.1:8080.evil.example"},
        {"origin": "null"},
        {"origin": ""},
    ],
)
def test_a_page_of_another_origin_changes_nothing_even_with_the_token(origin: dict[str, str]) -> None:
    assert is_refused({**OWN, **origin, "x-csrf-token": csrf_token(SESSION)}) == "cross_site_request"
    with pytest.raises(CrossSiteRequest):
        require_same_origin(a_request({**OWN, **origin}), SETTINGS)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reads_need_no_token(method: str) -> None:
    assert is_refused({**OWN, "sec-fetch-site": "cross-site"}, method=method) is None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8080", "127.9.9.9", "localhost", "localhost:8080", "[::1]:8080", "studio.localhost", "LOCALHOST"],
)
@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_development_needs_no_key_at_the_machine_itself(host: str, client: str) -> None:
    assert is_possible(a_request({"host": host}, client=client), SETTINGS)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},  # DNS rebinding: the stranger's name has the address of this machine
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost.evil.example"},
        {"host": "evil.example@127.0.0.1.example"},
        {"host": "2130706433.example"},
        {"host": "192.168.1.5:8080"},
        {"host": "[::1"},
        {"host": ""},
        {},
        *({"host": "localhost", name: "x"} for name in ("forwarded", "via", "x-forwarded-for", "x-real-ip")),
    ],
)
def test_another_name_or_a_proxy_needs_a_key(headers: dict[str, str]) -> None:
    assert not is_possible(a_request(headers), SETTINGS)


@pytest.mark.parametrize("client", ["192.168.1.5", "10.0.0.1", "testclient", None])
def test_another_machine_needs_a_key(client: str | None) -> None:
    assert not is_possible(a_request(OWN, client=client), SETTINGS)


def test_production_needs_a_key() -> None:
    production = SETTINGS.model_copy(update={"environment": "production"})

    assert not is_possible(a_request(OWN), production)


def test_a_gateway_that_nobody_told_to_trust_this_machine_needs_a_key() -> None:
    # A proxy on this machine may add no header, and may name the host as 127.0.0.1.
    assert not is_possible(a_request(OWN), SETTINGS.model_copy(update={"studio": StudioSettings()}))
