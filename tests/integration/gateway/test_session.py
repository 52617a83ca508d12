"""The sign-in of the Studio page, as a browser and as an attacker meet it."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support import NewCustomer

ORDER = {"model": "nano-banana", "prompt": "a lighthouse"}
COOKIE = "reelworks_session"


class Page:
    """A page in a browser of its own, with the cookie of its session."""

    def __init__(self, gateway: httpx.Client, api_key: str | None) -> None:
        self._client = httpx.Client(base_url=gateway.base_url, timeout=30, trust_env=False)
        body = {} if api_key is None else {"api_key": api_key}
        self.sign_in = self._client.post("/v1/session", json=body)
        self.session = self.sign_in.json()

    @property
    def token(self) -> str:
        return self._client.cookies[COOKIE]

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._client.get(path, headers=headers)

    def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """As the page sends a change: with the session's token."""
        given = {"X-CSRF-Token": self.session["csrf_token"], **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self._client.request(method, path, json=body, headers=given)

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def open_page(gateway: httpx.Client) -> Iterator[Callable[[str | None], Page]]:
    """Signs in with a key, or with None as the development customer."""
    pages: list[Page] = []

    def open_(api_key: str | None) -> Page:
        pages.append(Page(gateway, api_key))
        return pages[-1]

    yield open_
    for page in pages:
        page.close()


OpenPage = Callable[[str | None], Page]


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


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
