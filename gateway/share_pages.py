"""`/shares/{id}`: the pages of shares, for everybody with a link. A page shows the result and nothing of the order."""

from importlib.resources import files
from string import Template
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from fastapi.responses import HTMLResponse, Response

from gateway.conditions import ConditionHeaders, Conditions
from gateway.content import stream_asset
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.head import IsHead
from gateway.routing import PrefixRouter
from schemas import share_link
from schemas.enums import AssetRole
from storage import assets, shares
from storage.shares import Shared

router = PrefixRouter(prefix="/shares/{share_id}", include_in_schema=False, tags=["shares"])

_PAGE = Template((files("gateway") / "static" / "share.html").read_text(encoding="utf-8"))

# A page loads files of this server only, runs no script, and stands in no frame.
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}

Token = Annotated[str, Query(alias="t")]


class _Refused(Exception):
    """The link does not work."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.page = _page(title, f"<h1>{title}</h1>\n      <p>{text}</p>", status=status)


@router.get("")
def get_share(share_id: str, services: ServicesOf, is_head: IsHead, token: Token = "") -> Response:
    """Shows the player of a video, or the image."""
    try:
        shared = _shared(services, share_id, token)
    except _Refused as refused:
        return refused.page
    if not is_head:
        services.views.note(shared.share.id)
    return _page("A shared result", _player(shared, token))


@router.get("/{role}")
def get_shared_file(
    share_id: str,
    role: AssetRole,
    services: ServicesOf,
    conditions: ConditionHeaders,
    is_head: IsHead,
    token: Token = "",
) -> Response:
    """Streams the result or its poster."""
    try:
        return _file(services, _shared(services, share_id, token), role, conditions, is_head=is_head)
    except _Refused as refused:
        return refused.page


def _file(
    services: GatewayServices, shared: Shared, role: AssetRole, conditions: Conditions, *, is_head: bool
) -> Response:
    asset = shared.result if role is AssetRole.RESULT else shared.poster
    if asset is None:
        raise _Refused(404, "There is nothing here", "This result has no still picture.")
    answer = stream_asset(services, asset, conditions, is_head=is_head)
    answer.headers["X-Robots-Tag"] = _HEADERS["X-Robots-Tag"]
    return answer


def _shared(services: GatewayServices, share_id: str, token: str) -> Shared:
    """The share of a link.

    Raises:
        _Refused: the link is not ours, or has ended.
    """
    secrets = services.settings.accepted_keys
    known = _uuid(share_id)
    if known is None or not share_link.verify(secrets, known, token):
        raise _Refused(
            404, "There is nothing here", "This link is incomplete or wrong. Ask its sender for the whole link."
        )
    with services.database.transaction() as session:
        found = shares.find(session, known)
    if found is None or assets.gone_at(found.result, services.settings.retention) is not None:
        raise _Refused(
            410, "This link has ended", "Its time is over, or its sender has ended it. Ask for another link."
        )
    return found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _player(shared: Shared, token: str) -> str:
    # All parts of the addresses are ours: ids, and a token that was verified.
    def address(role: AssetRole) -> str:
        return f"{shared.share.id}/{role}?t={token}"

    result = shared.result
    size = f'width="{result.width}" height="{result.height}"'
    if result.content_type.startswith("image/"):
        return f'<img src="{address(AssetRole.RESULT)}" {size} alt="the shared picture">'
    poster = f' poster="{address(AssetRole.POSTER)}"' if shared.poster else ""
    return f'<video src="{address(AssetRole.RESULT)}"{poster} {size} controls playsinline preload="metadata"></video>'


def _page(title: str, body: str, *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_PAGE.substitute(title=title, body=body), status, _HEADERS)
