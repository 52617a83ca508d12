"""The pages for people: `/` says what this is, and `/docs` tries the API. Nothing comes from another server."""

from importlib.resources import files
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

_STATIC = files("gateway") / "static"

# Files of this server alone, and no text of a page that runs: what slipped into a description would be shown, not run.
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


def install_pages(app: FastAPI) -> None:
    """Serve the pages, and the files that they are made of."""
    app.include_router(router)
    # The first has Swagger UI's distribution, the second what is ours.
    app.mount("/static", StaticFiles(packages=[("fastapi_swagger", "resources"), ("gateway", "static")]))


@router.get("/")
async def landing(request: Request) -> Response:
    """What this is and where to go: a page for a browser, a document for a program."""
    if "text/html" in request.headers.get("accept", ""):
        return _page("landing.html")
    return JSONResponse({"name": "Reelworks", **_LINKS})


@router.get("/docs")
async def docs() -> Response:
    """The API's description, with a form for each request."""
    return _page("docs.html")


def _page(name: str) -> Response:
    return HTMLResponse((_STATIC / name).read_text(encoding="utf-8"), headers=_HEADERS)
