"""The files of the page, and the policy with which browsers read them."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api_gateway import create_app
from gateway import studio
from schemas.settings import Settings
from tests.support import clean_settings

PAGE = "<!doctype html><title>Studio</title>"
SCRIPT = "console.log(1);" * 100


class _Services:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page."""
    built = tmp_path / "studio_page"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(PAGE)
    (built / "icon.svg").write_text("<svg/>")
    (built / "assets" / "index-Ab_3-x.js").write_text(SCRIPT)
    (built / ".hidden").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(studio, "FOLDER", built)
    return built


@pytest.fixture
def client(folder: Path) -> TestClient:
    """A browser at a gateway that has no services: the page needs none."""
    settings = clean_settings()
    app = create_app(settings)
    app.state.services = _Services(settings)
    # Not started.
    return TestClient(app, follow_redirects=False)


def policy(headers: str) -> dict[str, set[str]]:
    return {name: set(sources) for name, *sources in (part.split() for part in headers.split(";"))}


def test_the_page_is_served_below_its_own_path(client: TestClient) -> None:
    led = client.get("/studio")
    page = client.get("/studio/")

    assert (led.status_code, led.headers["location"]) == (308, "studio/")
    assert (page.status_code, page.text) == (200, PAGE)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert client.head("/studio/").status_code == 200
    assert client.get("/studio/", headers={"if-none-match": page.headers["etag"]}).status_code == 304


def test_files_with_hashed_names_are_kept_for_ever_and_compressed(client: TestClient) -> None:
    plain = client.get("/studio/assets/index-Ab_3-x.js", headers={"accept-encoding": "identity"})
    small = client.get("/studio/assets/index-Ab_3-x.js", headers={"accept-encoding": "gzip, br"})

    assert plain.text == small.text == SCRIPT
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in plain.headers["cache-control"]
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(SCRIPT) / 2
    assert client.get("/studio/icon.svg").headers["content-type"] == "image/svg+xml"


def test_a_new_build_is_served_without_a_restart(client: TestClient, folder: Path) -> None:
    assert client.get("/studio/").text == PAGE
    (folder / "index.html").write_text("a new page")

    assert client.get("/studio/").text == "a new page"


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js", "assets", "assets/", "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", ".hidden",
        "assets/../../secret.txt", "assets/..%2f..%2fsecret.txt", "//secret.txt", "%2f%2fetc/passwd", "a%00b",
    ],
)  # fmt: skip
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    answer = client.get(f"/studio/{path}")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", ["a" * 300, "a/" * 3000 + "a"])
def test_a_name_that_no_file_can_have_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(f"/studio/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_page_that_is_not_built_says_so(client: TestClient, folder: Path) -> None:
    (folder / "index.html").unlink()

    assert "make studio" in client.get("/studio/").json()["detail"]


def test_the_policy_allows_this_server_alone_and_nothing_inline(client: TestClient) -> None:
    headers = client.get("/studio/").headers
    allowed = policy(headers["content-security-policy"])

    assert allowed["default-src"] == allowed["frame-ancestors"] == allowed["form-action"] == {"'none'"}
    assert allowed["script-src"] == allowed["style-src"] == allowed["connect-src"] == {"'self'"}
    assert allowed["img-src"] == {"'self'", "data:", "blob:"}
    assert allowed["media-src"] == {"'self'", "blob:"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_the_policy_allows_the_places_that_results_redirect_to() -> None:
    settings = clean_settings()
    s3 = settings.s3.model_copy(update={"public_endpoint": "s3.example:9000", "secure": False})
    cdn = settings.cdn.model_copy(update={"base_url": "https://cdn.example/files"})
    allowed = policy(studio.policy(settings.model_copy(update={"s3": s3, "cdn": cdn})))

    for directive in ("img-src", "media-src", "connect-src"):
        assert {"http://s3.example:9000", "https://cdn.example"} <= allowed[directive]
    assert allowed["script-src"] == {"'self'"}


def test_the_landing_page_links_to_a_page_that_is_there(client: TestClient, folder: Path) -> None:
    browser = {"accept": "text/html"}
    assert 'href="studio/"' in client.get("/", headers=browser).text
    assert client.get("/").json()["studio"] == "/studio/"
    (folder / "index.html").unlink()

    assert "studio" not in client.get("/", headers=browser).text.lower()
    assert "studio" not in client.get("/").json()
