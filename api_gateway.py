"""The HTTP API as one application: routers, middleware, exception handlers, lifespan."""

from fastapi import FastAPI

from gateway import measured
from gateway.admin import router as admin_router
from gateway.admin_levers import router as admin_levers_router
from gateway.admin_limits import router as admin_limits_router
from gateway.batches import router as batches_router
from gateway.body_limit import FORM, BodyLimit
from gateway.callbacks import router as callbacks_router
from gateway.content import router as content_router
from gateway.continuations import router as continuations_router
from gateway.cors import CrossOrigin
from gateway.credits import router as credits_router
from gateway.dependencies import lifespan
from gateway.error_answers import install_error_handlers
from gateway.estimates import router as estimates_router
from gateway.events import router as events_router
from gateway.files import router as files_router
from gateway.generation_list import router as generation_list_router
from gateway.generations import router as generations_router
from gateway.grants import router as grants_router
from gateway.head import HeadAsGet
from gateway.health import router as health_router
from gateway.inputs import router as inputs_router
from gateway.keys import router as keys_router
from gateway.mcp.door import router as mcp_router
from gateway.me import router as me_router
from gateway.models import router as models_router
from gateway.openai.images import EDITS as OPENAI_EDITS
from gateway.openai.images import router as openai_images_router
from gateway.openai.models import router as openai_models_router
from gateway.openai.video_changes import router as openai_video_changes_router
from gateway.openai.video_content import router as openai_video_content_router
from gateway.openai.video_ids import VIDEOS
from gateway.openai.video_list import router as openai_video_list_router
from gateway.openai.videos import router as openai_videos_router
from gateway.openapi import install_document, refusals, with_problems, write_document
from gateway.pages import install_pages
from gateway.queue import router as queue_router
from gateway.ratings import router as ratings_router
from gateway.request_context import RequestContext
from gateway.retries import router as retries_router
from gateway.seeds.app_videos import router as app_videos_router
from gateway.seeds.images import router as seed_images_router
from gateway.seeds.kie_callbacks import router as kie_callbacks_router
from gateway.seeds.videos import router as seed_videos_router
from gateway.session import router as session_router
from gateway.share_pages import router as share_pages_router
from gateway.shares import router as shares_router
from gateway.studio import router as studio_router
from gateway.timelines import for_operators as operators_timelines_router
from gateway.timelines import router as timelines_router
from gateway.told_events import router as told_events_router
from gateway.transfers import router as transfers_router
from gateway.uploads import router as uploads_router
from gateway.usage import router as usage_router
from gateway.webhook_deliveries import router as webhook_deliveries_router
from gateway.webhook_endpoints import router as webhook_endpoints_router
from gateway.webhook_key import router as webhook_key_router
from schemas.enums import Door
from schemas.errors import Unavailable
from schemas.setting_groups import InputSettings
from schemas.settings import Settings, get_settings

_VIDEO_ORDERS = tuple(f"POST {VIDEOS}{action}" for action in ("", "/edits", "/extensions"))

_ORDERS = (
    "POST /v1/generations",
    "POST /v1/batches",
    "POST /v1/estimate",
    "POST /video/generate",
    "POST /video/extend",
    "POST /image/generate",
    "POST /api/video/generate",
    *_VIDEO_ORDERS,
)
"""The operations whose JSON may hold files."""

_FORMS = frozenset({f"POST {OPENAI_EDITS}", *(f"{operation} {FORM}" for operation in _VIDEO_ORDERS)})
_FILE_BODIES = _FORMS | {"POST /v1/uploads"}

_DESCRIPTION = """
Order images and videos, follow their progress, and fetch them.

Every order carries an API key, as `Authorization: Bearer rw_…` or as `X-API-Key`; pages of this server use a session
instead (`/v1/session`). Errors of `/v1` are
`application/problem+json` (RFC 9457) with a stable `code`. Every answer has an `X-Request-ID`: yours, if you send one.
"""

_TAGS = [
    {"name": "generations", "description": "Order, read, list and cancel generations: one image or video each."},
    {"name": "batches", "description": "Order several generations together, and follow or cancel them together."},
    {"name": "events", "description": "Follow your generations: server-sent events, or pages."},
    {"name": "webhooks", "description": "Messages to your servers about your generations."},
    {"name": "shares", "description": "Links by which everybody may see a result."},
    {"name": "uploads", "description": "Your images and videos, as inputs of orders."},
    {"name": "models", "description": "The models that you can order, with their prices."},
    {"name": "credits", "description": "Your account and your credits."},
    {"name": "keys", "description": "API keys: make, change, rotate and revoke them."},
    {"name": "studio", "description": "The sign-in of the page at `/studio`: a session with a cookie."},
    {"name": "admin", "description": "For the operator and services: customers and services."},
    {"name": "files", "description": "Results by signed links, without a key; also for a CDN."},
    {"name": "openai", "description": "OpenAI's API, for software that speaks it."},
    {"name": "inputs", "description": "For providers: the input files of orders. Each order contains the links."},
    {"name": "seeds", "description": "The forms of five earlier projects, for their clients."},
    {"name": "callbacks", "description": "For providers: reports on generations. Each order contains the URL."},
    {"name": "health", "description": "For operators: liveness and readiness."},
]

_ROUTERS = (
    generations_router,
    timelines_router,
    retries_router,
    continuations_router,
    batches_router,
    events_router,
    told_events_router,
    generation_list_router,
    queue_router,
    content_router,
    ratings_router,
    shares_router,
    webhook_endpoints_router,
    webhook_deliveries_router,
    webhook_key_router,
    uploads_router,
    models_router,
    estimates_router,
    credits_router,
    transfers_router,
    usage_router,
    grants_router,
    me_router,
    session_router,
    keys_router,
    admin_router,
    admin_limits_router,
    admin_levers_router,
    operators_timelines_router,
    files_router,
    inputs_router,
    callbacks_router,
    app_videos_router,
    kie_callbacks_router,
    seed_videos_router,
    seed_images_router,
    share_pages_router,
    studio_router,
    openai_videos_router,
    openai_video_list_router,
    openai_video_content_router,
    openai_video_changes_router,
    openai_models_router,
    openai_images_router,
    mcp_router,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Makes the application. Its services open when the application starts.

    Args:
        settings: None: read the settings from the environment.
    """
    settings = settings or get_settings()
    app = FastAPI(
        title="Reelworks",
        description=_DESCRIPTION,
        version="1.0",
        openapi_tags=[tag for tag in _TAGS if tag["name"] not in settings.doors_off],
        lifespan=lifespan(settings),
        # `gateway.pages` serves the page. FastAPI's page loads its files from another server.
        docs_url=None,
        redoc_url=None,
        # `gateway.openapi` serves the document, written once.
        openapi_url=None,
        # A redirect would copy the callback's token into a header.
        redirect_slashes=False,
        # FastAPI's own spans have the query of the URL, which may be a callback's token. `gateway.traced` makes ours.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    # The last middleware added is the outermost.
    app.add_middleware(HeadAsGet)
    app.add_middleware(BodyLimit, larger=_larger_bodies(settings.inputs), files=_FILE_BODIES)
    app.add_middleware(RequestContext)
    if settings.cors_origins:
        # Outside all others, so that a script can read every error.
        app.add_middleware(CrossOrigin, origins=settings.cors_origins)
    install_error_handlers(app)
    for router in _ROUTERS:
        # The tags of a router name its door.
        if not set(settings.doors_off).intersection(map(str, router.tags)):
            app.include_router(router, responses=refusals(f"{router.prefix}/", Unavailable))
    app.include_router(health_router)
    install_pages(app, with_pages=Door.PAGES not in settings.doors_off)
    install_document(app)
    measured.learn(app)
    app.openapi = with_problems(app)  # type: ignore[method-assign]  # the way that FastAPI documents
    return app


def create_ready_app(settings: Settings | None = None) -> FastAPI:
    """Makes the application for a server, and writes its OpenAPI document: the first request should not wait for it."""
    app = create_app(settings)
    write_document(app)
    return app


def _larger_bodies(limits: InputSettings) -> dict[str, int]:
    return {
        "POST /v1/uploads": max(limits.max_image_bytes, limits.max_video_bytes),
        **dict.fromkeys(_ORDERS, limits.max_request_bytes),
        **dict.fromkeys(_FORMS, limits.max_total_bytes),
    }
