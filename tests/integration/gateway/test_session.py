"""The sign-in of the Studio page, as a browser and as an attacker meet it."""

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import text

from api_gateway import create_app
from gateway.cross_site import csrf_token
from schemas.enums import Door, Scope
from schemas.settings import Settings
from storage.api_keys import Owner
from storage.database import Database
from tests.integration.gateway.page import COOKIE, OpenPage, problem
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, a_generation

ORDER = {"model": "nano-banana", "prompt": "a lighthouse"}


def test_a_key_signs_in_and_the_cookie_then_orders_and_reads(open_page: OpenPage, customer: NewCustomer) -> None:
    page = open_page(f"  {customer.api_key}\n")

    assert page.sign_in.status_code == 201
    told = page.session
    assert told["customer"] == {"id": str(customer.id), "name": "a test"}
    assert told["key"]["prefix"] == customer.api_key[:8]
    assert told["key"]["scopes"] == ["generate", "read"]
    assert (told["key"]["is_test"], told["viewing"], told["development"]) == (False, None, False)
    made = page.send("POST", "/v1/generations", ORDER)
    assert made.status_code == 202
    assert page.get(f"/v1/generations/{made.json()['id']}").json()["id"] == made.json()["id"]
    again = page.get("/v1/session").json()
    assert {**again, "expires_at": None} == {**told, "expires_at": None}


def test_development_signs_in_without_a_key_and_may_all(open_page: OpenPage) -> None:
    page = open_page(None)

    assert page.sign_in.status_code == 201
    assert (page.session["customer"]["name"], page.session["development"]) == ("development", True)
    assert page.session["key"]["scopes"] == ["admin", "generate", "priority", "read"]
    assert page.send("POST", "/v1/generations", ORDER).status_code == 202
    assert open_page(None).session["key"]["id"] == page.session["key"]["id"]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(gateway: httpx.Client, customer: NewCustomer) -> None:
    body = {"api_key": customer.api_key}
    plain = gateway.post("/v1/session", json=body).headers["set-cookie"]
    own = str(gateway.base_url)
    secure = gateway.post(
        "/v1/session", json=body, headers={"Origin": own.replace("http:", "https:").rstrip("/")}
    ).headers["set-cookie"]  # fmt: skip

    parts = {part.strip().lower() for part in plain.split(";")}
    assert {"httponly", "samesite=strict", "path=/"} <= parts
    assert "secure" not in parts
    assert "domain" not in plain.lower()
    # A proxy ends TLS: only the page's origin tells.
    assert "secure" in secure.lower()


@pytest.mark.parametrize("key", ["", "rw_unknown", f"rw_{'x' * 43}", "ünicode"])
def test_a_wrong_key_signs_nobody_in(gateway: httpx.Client, key: str) -> None:
    answer = gateway.post("/v1/session", json={"api_key": key})

    assert problem(answer) == (401, "unauthenticated")
    assert "set-cookie" not in answer.headers


def test_without_a_session_the_page_learns_whether_it_needs_a_key(gateway: httpx.Client) -> None:
    here = gateway.get("/v1/session")
    elsewhere = gateway.get("/v1/session", headers={"Host": "evil.example"})

    assert here.json() == {"object": "no_session", "development_sign_in": True}
    assert elsewhere.json() == {"object": "no_session", "development_sign_in": False}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "unauthenticated"),
        ({"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, "unauthenticated"),
        ({"X-Forwarded-For": "203.0.113.7"}, "unauthenticated"),
        ({"Origin": "http://evil.example"}, "cross_site_request"),
        ({"Sec-Fetch-Site": "cross-site"}, "cross_site_request"),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"}, "cross_site_request"),
    ],
)
def test_a_strangers_page_does_not_sign_in_without_a_key(
    gateway: httpx.Client, headers: dict[str, str], code: str
) -> None:
    answer = gateway.post("/v1/session", json={}, headers=headers)

    assert answer.json()["code"] == code
    assert "set-cookie" not in answer.headers


def test_another_sites_page_cannot_sign_a_browser_in_with_its_own_key(
    gateway: httpx.Client, customer: NewCustomer
) -> None:
    body = {"api_key": customer.api_key}

    answer = gateway.post("/v1/session", json=body, headers={"Origin": "https://evil.example"})
    assert problem(answer) == (403, "cross_site_request")
    # A form needs no preflight, and cannot send JSON.
    assert gateway.post("/v1/session", data=body).status_code == 415


def test_the_cookie_alone_changes_nothing(open_page: OpenPage, customer: NewCustomer) -> None:
    page, other = open_page(customer.api_key), open_page(customer.api_key)
    bare = {"X_CSRF_Token": ""}

    assert problem(page.send("POST", "/v1/generations", ORDER, **bare)) == (403, "csrf_token_missing")
    stolen = {"X_CSRF_Token": other.session["csrf_token"]}
    assert problem(page.send("POST", "/v1/generations", ORDER, **stolen)) == (403, "csrf_token_missing")
    evil = {"Origin": "https://evil.example"}
    assert problem(page.send("POST", "/v1/generations", ORDER, **evil)) == (403, "cross_site_request")
    for method, path in (("DELETE", ""), ("PUT", "/customer"), ("DELETE", "/customer")):
        assert problem(page.send(method, f"/v1/session{path}", None, **bare)) == (403, "csrf_token_missing")
    assert page.get("/v1/session").json()["object"] == "session"
    assert page.send("POST", "/v1/generations", ORDER).status_code == 202


def test_a_token_from_elsewhere_never_becomes_a_session(
    gateway: httpx.Client, open_page: OpenPage, customer: NewCustomer
) -> None:
    planted = "A" * 43
    answer = gateway.post("/v1/session", json={"api_key": customer.api_key}, headers={"Cookie": f"{COOKIE}={planted}"})

    assert answer.status_code == 201
    assert planted not in answer.headers["set-cookie"]
    assert not _is_signed_in(gateway, planted)
    # A new sign-in ends the session that the browser had.
    page = open_page(customer.api_key)
    first = page.token
    assert page.send("POST", "/v1/session", {"api_key": customer.api_key}).status_code == 201
    assert page.token != first
    assert not _is_signed_in(gateway, first)


def _is_signed_in(gateway: httpx.Client, token: str) -> bool:
    cookie = {"Cookie": f"{COOKIE}={token}"}
    return bool(gateway.get("/v1/session", headers=cookie).json()["object"] == "session")


def test_a_session_ends_at_the_sign_out(gateway: httpx.Client, open_page: OpenPage, customer: NewCustomer) -> None:
    page = open_page(customer.api_key)
    token = page.token

    assert page.send("DELETE", "/v1/session").status_code == 204
    assert COOKIE not in page.cookies
    kept = {"Cookie": f"{COOKIE}={token}"}
    assert problem(gateway.get("/v1/me", headers=kept)) == (401, "unauthenticated")
    # A second sign-out changes nothing.
    assert page.send("DELETE", "/v1/session").status_code == 204


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE api_keys SET revoked_at = now() WHERE customer_id = :id", "key_revoked"),
        ("UPDATE api_keys SET expires_at = now() WHERE customer_id = :id", "key_expired"),
        ("UPDATE studio_sessions SET used_at = now() - interval '12 hours'", "unauthenticated"),
        ("UPDATE studio_sessions SET ends_at = now()", "unauthenticated"),
        ("DELETE FROM api_keys WHERE customer_id = :id", "unauthenticated"),
    ],
)
def test_a_session_ends_with_its_key_and_after_its_time(
    open_page: OpenPage, customer: NewCustomer, database: Database, change: str, code: str
) -> None:
    page = open_page(customer.api_key)
    with database.transaction() as session:
        session.execute(text(change), {"id": customer.id} if ":id" in change else {})

    assert page.get("/v1/session").json()["object"] == "no_session"
    for path in ("/v1/me", "/v1/generations"):
        assert problem(page.get(path)) == (401, code)
    assert problem(page.send("POST", "/v1/generations", ORDER)) == (401, code)


def test_a_key_in_a_header_decides_and_the_cookie_does_not(
    open_page: OpenPage, make_customer: Callable[[int], NewCustomer]
) -> None:
    mine, other = make_customer(100), make_customer(100)
    page = open_page(mine.api_key)

    told = page.get("/v1/me", Authorization=f"Bearer {other.api_key}").json()
    assert told["id"] == str(other.id)
    # No session, so no token is needed; and the session does not help a wrong key.
    assert page.send("POST", "/v1/generations", ORDER, X_CSRF_Token="", X_API_Key=other.api_key).status_code == 202
    assert problem(page.get("/v1/me", **{"X-API-Key": "rw_wrong"})) == (401, "unauthenticated")


def test_a_session_reaches_nothing_of_other_customers(
    open_page: OpenPage, make_customer: Callable[[int], NewCustomer], database: Database, settings: Settings
) -> None:
    mine, other = make_customer(100), make_customer(100)
    theirs = a_generation(database, settings, other)
    page = open_page(mine.api_key)

    assert problem(page.get(f"/v1/generations/{theirs}")) == (404, "not_found")
    assert problem(page.get(f"/v1/generations/{theirs}/content")) == (404, "not_found")
    assert problem(page.send("DELETE", f"/v1/generations/{theirs}")) == (404, "not_found")
    assert problem(page.get("/v1/me", **{"X-Customer-ID": str(other.id)})) == (403, "other_customer")
    assert problem(page.send("PUT", "/v1/session/customer", {"customer_id": str(other.id), "reason": "x"})) == (
        403,
        "insufficient_scope",
    )


def test_a_session_allows_what_its_key_allows(
    open_page: OpenPage, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    page = open_page(make_key(Owner(customer.id), scopes=(Scope.READ,), name="a reader"))

    assert page.session["key"]["name"] == "a reader"
    assert problem(page.send("POST", "/v1/generations", ORDER)) == (403, "insufficient_scope")
    assert page.get("/v1/generations").status_code == 200
    assert page.get("/v1/generations").headers["cache-control"] == "private, no-cache"


def test_the_cookie_counts_at_v1_and_the_seeds_doors_only(open_page: OpenPage, customer: NewCustomer) -> None:
    page = open_page(customer.api_key)
    unknown = "3e41a28d-5bf9-40ce-a038-dc975dda27ad"

    for path in (f"/video/{unknown}", f"/image/{unknown}", f"/api/video/{unknown}"):
        assert page.get(path).status_code == 404, path
    for path in ("/openai/v1/videos", "/openai/v1/models"):
        assert page.get(path).status_code == 401, path
    assert page.send("POST", "/mcp", {}).status_code == 401


def test_only_the_hash_of_a_token_is_stored(open_page: OpenPage, customer: NewCustomer, database: Database) -> None:
    page = open_page(customer.api_key)

    with database.transaction() as session:
        stored = str(session.execute(text("SELECT * FROM studio_sessions")).all())
    assert page.token not in stored
    assert page.session["csrf_token"] not in stored
    assert page.session["csrf_token"] == csrf_token(page.token)
    assert page.token not in page.sign_in.text


def test_a_door_that_is_off_takes_no_cookie(settings: Settings, open_page: OpenPage, customer: NewCustomer) -> None:
    cookie = {"Cookie": f"{COOKIE}={open_page(customer.api_key).token}"}
    with serving(create_app(settings.model_copy(update={"doors_off": [Door.STUDIO]}))) as without:
        assert without.get("/v1/me", headers=cookie).status_code == 401
        assert without.post("/v1/session", json={}).status_code == 404
