"""`/studio`: the page for people. The built files come with the package; the source is in `studio/`."""

import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Final, NamedTuple

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from gateway.dependencies import ServicesOf
from gateway.origins import origin_of
from gateway.routing import PrefixRouter
from schemas.enums import Door
from schemas.errors import NotFound
from schemas.settings import Settings

router = PrefixRouter(prefix="/studio", include_in_schema=False, tags=[Door.STUDIO])

FOLDER: Final = Path(__file__).parent / "studio_page"
"""The files that `make studio` builds."""

# No part begins with a dot, so no path leaves the folder.
_NAME: Final = re.compile(r"([\w-][\w.-]*/)*[\w-][\w.-]*", re.ASCII)

_PAGE: Final = "index.html"

# The names of these files change with their content.
_HASHED: Final = "assets/"

# By our own table: the operating system's may lack a type, and a browser runs no script of another type.
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_OTHER_TYPE: Final = "application/octet-stream"
_COMPRESSED: Final = frozenset({".jpg", ".png", ".webp", ".woff2"})


class _File(NamedTuple):
    """A file of the page."""

    content: bytes
    """The bytes."""
    zipped: bytes | None
    """The bytes with gzip. None: gzip makes them no smaller."""
    tag: str
    """The ETag."""
    media_type: str
    """The value of Content-Type."""


@router.get("")
async def to_page() -> Response:
    """Leads to the page, whose files have relative addresses."""
    return RedirectResponse("studio/", 308)


@router.get("/")
def get_page(request: Request, services: ServicesOf) -> Response:
    """Serves the page."""
    return _answer(request, services.settings, _PAGE)


@router.get("/{name:path}")
def get_file(name: str, request: Request, services: ServicesOf) -> Response:
    """Serves a file of the page."""
    return _answer(request, services.settings, name)


def is_served(settings: Settings) -> bool:
    """Whether there is a page: the door is open, and the page is built."""
    return Door.STUDIO not in settings.doors_off and _file(_PAGE) is not None


def policy(settings: Settings) -> str:
    """The content security policy of the page: files of this server, and results where `/content` leads to them."""
    stores = " ".join(("'self'", *_origins_of_results(settings)))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        f"img-src {stores} data: blob:; media-src {stores} blob:; connect-src {stores}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _origins_of_results(settings: Settings) -> list[str]:
    """Where `/content` redirects to."""
    s3 = settings.s3
    is_secure = s3.secure if s3.public_secure is None else s3.public_secure
    store = f"{'https' if is_secure else 'http'}://{s3.public_endpoint}" if s3.public_endpoint else ""
    return [origin_of(url) for url in (settings.cdn.base_url, store) if url]


def _answer(request: Request, settings: Settings, name: str) -> Response:
    file = _file(name)
    if file is None:
        raise NotFound(_missing(name))
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if name.startswith(_HASHED) else "no-cache",
        "Content-Security-Policy": policy(settings),
        "ETag": file.tag,
        "Referrer-Policy": "same-origin",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    if file.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.zipped, 200, {**headers, "Content-Encoding": "gzip"}, file.media_type)
    return Response(file.content, 200, headers, file.media_type)


def _missing(name: str) -> str:
    if name == _PAGE:
        return "this installation lacks the built page: `make studio` builds it from the source"
    return "the page has no such file: reload the page, which a release may have changed"


def _file(name: str) -> _File | None:
    """A file of the page by its path in the folder. None: there is none."""
    if _NAME.fullmatch(name) is None:
        return None
    path = FOLDER / name
    try:
        found = path.stat()
    except OSError:
        # There is no such file. Of a name too long for the system, `is_file` would raise the same error.
        return None
    return _read(path, found.st_mtime_ns) if S_ISREG(found.st_mode) else None


@lru_cache(maxsize=256)
def _read(path: Path, _changed_at: int) -> _File:
    """A file as it was at a time: `make studio` replaces the files of a running gateway."""
    content = path.read_bytes()
    kind = path.suffix
    zipped = None if kind in _COMPRESSED else gzip.compress(content, mtime=0)
    if zipped is not None and len(zipped) >= len(content):
        zipped = None
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return _File(content, zipped, tag, _TYPES.get(kind, _OTHER_TYPE))
