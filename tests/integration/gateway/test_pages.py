"""The pages for people, as a browser without internet sees them."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx
import pytest

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class References(HTMLParser):
    """Every URL in a page, and every inline script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.is_inline: list[str] = []
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        for name, value in attrs:
            if name in {"src", "href", "action"}:
                self.addresses.append(value or "")
            if name == "style" or name.startswith("on"):
                self.is_inline.append(name)

    def handle_data(self, data: str) -> None:
        if self._within in {"script", "style"} and data.strip():
            self.is_inline.append(self._within)


def policy(response: httpx.Response) -> dict[str, set[str]]:
    directives = (part.split() for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: set(sources) for name, *sources in directives}


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_loads_files_from_this_server_only(gateway: httpx.Client, path: str) -> None:
    page = gateway.get(path, headers=BROWSER)
    found = References(page.text)

    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert found.addresses
    assert found.is_inline == []
    assert [address for address in found.addresses if ":" in address or address.startswith("/")] == []
    for address in found.addresses:
        assert gateway.get(urljoin(path, address)).status_code == 200, address


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_content_security_policy_allows_this_server_only(gateway: httpx.Client, path: str) -> None:
    allowed = policy(gateway.get(path, headers=BROWSER))

    assert allowed.pop("img-src") == {"'self'", "data:"}
    assert allowed["default-src"] == {"'none'"}
    assert set.union(*allowed.values()) == {"'self'", "'none'"}


def test_the_docs_load_our_openapi_and_no_external_validator(gateway: httpx.Client) -> None:
    script = gateway.get("/static/docs.js")

    assert script.headers["Content-Type"].startswith("text/javascript")
    assert re.search(r'url: "openapi\.json"', script.text)
    assert re.search(r"validatorUrl: null", script.text)
    assert "://" not in script.text


def test_the_files_of_swagger_ui_are_served(gateway: httpx.Client) -> None:
    assert "SwaggerUIBundle" in gateway.get("/static/swagger-ui-bundle.js").text
    assert ".swagger-ui" in gateway.get("/static/swagger-ui.css").text


def test_static_files_are_answered_with_304_until_they_change(gateway: httpx.Client) -> None:
    first = gateway.get("/static/swagger-ui-bundle.js")
    again = gateway.get("/static/swagger-ui-bundle.js", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_a_program_gets_a_json_document_at_the_root(gateway: httpx.Client) -> None:
    links = gateway.get("/").json()

    assert links.pop("name") == "Reelworks"
    assert {gateway.get(path).status_code for path in links.values()} == {200}


@pytest.mark.parametrize("path", ["/static/nothing.js", "/static/../pages.py", "/static/%2e%2e/pages.py", "/docs/"])
def test_a_missing_static_file_is_answered_with_a_problem(gateway: httpx.Client, path: str) -> None:
    answer = gateway.get(path)

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
