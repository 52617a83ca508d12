"""The pages for people: `/` introduces the API, and `/docs` tries it. All files come from this server."""

from importlib.resources import files
from string import Template
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from gateway import studio
from gateway.routing import PrefixRouter

router = PrefixRouter(include_in_schema=False)

_STATIC = files("gateway") / "static"

# Allows only this server's files and no inline scripts. A browser shows a script in a description and does not run it.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_LINKS: Final = {"docs": "/docs", "openapi": "/openapi.json", "health": "/healthz"}

_STUDIO: Final = '        <li><a href="studio/">Studio</a>: make images and videos here, and see what was made</li>\n'


def install_pages(app: FastAPI, *, with_pages: bool) -> None:
    """Serve the pages and their static files.

    Args:
        with_pages: false: only the files, which the pages of shares need.
    """
    if with_pages:
        app.include_router(router)
    # The first package has Swagger UI, the second our files.
    app.mount("/static", StaticFiles(packages=[("fastapi_swagger", "resources"), ("gateway", "static")]))


@router.get("/")
async def landing(request: Request) -> Response:
    """Introduces the API: a page for a browser, a JSON document for a program."""
    has_studio = studio.is_served(request.app.state.services.settings)
    if "text/html" in request.headers.get("accept", ""):
        return _page("landing.html", studio=_STUDIO if has_studio else "")
    return JSONResponse({"name": "Reelworks", **({"studio": "/studio/"} if has_studio else {}), **_LINKS})


@router.get("/docs")
async def docs() -> Response:
    """Shows the API's description, with a form for each request."""
    return _page("docs.html")


def _page(name: str, **parts: str) -> Response:
    text = (_STATIC / name).read_text(encoding="utf-8")
    return HTMLResponse(Template(text).substitute(parts), headers=_HEADERS)
