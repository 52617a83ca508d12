"""`GET /v1/generations`: a customer's generations, newest first, with filters."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from gateway.authentication import Caller, TheCaller, customers_router
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.openapi import problems
from notify.resources import generation_resource
from providers.catalogue import Catalogue
from schemas.api import GenerationResource
from schemas.enums import Kind, Scope, Stage, Status
from schemas.errors import InvalidRequest, Unauthenticated
from schemas.lists import ListResource, PageQuery, Position
from schemas.orders import LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE
from schemas.setting_groups import RetentionSettings
from schemas.stages import status_of
from schemas.text import OptionalName, OptionalProse
from storage import details, finding, sql
from storage.details import Details

router = customers_router("/v1/generations", "generations")


class GenerationList(ListResource[GenerationResource]):
    """One page of generations."""


class GenerationsQuery(PageQuery):
    """The filters of the list. A generation must meet all of them."""

    status: list[Status] = Field(default=[], description="any of these; repeat the parameter for several")
    stage: list[Stage] = Field(default=[], description="any of these; repeat the parameter for several")
    kind: Kind | None = Field(default=None, description="images or videos")
    model: OptionalName = Field(
        default=None, description="the model that serves them: its name or an alias", min_length=1, max_length=200
    )
    batch_id: UUID | None = Field(default=None, description="those of this batch")
    created_from: AwareDatetime | None = Field(
        default=None, description="accepted at this time or later", examples=["2026-11-20T00:00:00Z"]
    )
    created_before: AwareDatetime | None = Field(
        default=None, description="accepted earlier than this time", examples=["2026-11-21T00:00:00Z"]
    )
    metadata_key: OptionalName = Field(
        default=None, description="a key of your `metadata`, with `metadata_value`", max_length=LONGEST_METADATA_KEY
    )
    metadata_value: OptionalProse = Field(
        default=None, description="the value of this key", max_length=LONGEST_METADATA_VALUE
    )
    q: OptionalProse = Field(
        default=None,
        description="words of the prompt's first 2,000 characters, all of them; endings and common English words do "
        "not count: `boats` finds `a boat`",
        min_length=1,
        max_length=200,
    )
    provider: OptionalName = Field(
        default=None,
        description="those of this provider account, as `provider` of a generation names it; only for keys with the "
        "scope `admin`",
        min_length=1,
        max_length=200,
    )


@router.get("", summary="List generations", responses=problems(Unauthenticated, InvalidRequest))
async def list_generations(
    query: Annotated[GenerationsQuery, Query()], services: ServicesOf, caller: TheCaller
) -> GenerationList:
    """Returns your generations, newest first. Filters combine: a generation must meet all of them.

    Read on with `next_cursor` while `has_more` is true. With several filters a page may have fewer entries than
    `limit`. New generations do not shift the pages.
    """
    if query.provider is not None:
        _require_provider(query.provider, caller, services.providers.names())
    return await read_page(query, services, caller.customer.id)


async def read_page(query: GenerationsQuery, services: GatewayServices, customer_id: UUID) -> GenerationList:
    """One page of a customer's generations."""
    read = partial(_read, query, services.catalogue, customer_id)
    found, following = await services.loop_database.transaction(read)
    return page_of(found, following, services.settings.retention)


def _require_provider(name: str, caller: Caller, known: Sequence[str]) -> None:
    if Scope.ADMIN not in caller.scopes:
        text = f"is a filter for keys with the scope `{Scope.ADMIN}`: leave it out"
        raise InvalidRequest.of_fields([("provider", text)])
    if name not in known:
        text = f"is no provider here: name one of {', '.join(known)}" if known else "has no value: no provider is here"
        raise InvalidRequest.of_fields([("provider", text)])


def page_of(found: Sequence[Details], following: Position | None, retention: RetentionSettings) -> GenerationList:
    """One page of generations, and the position after which the next page begins."""
    return GenerationList.page([generation_resource(each, retention) for each in found], following)


def _read(
    query: GenerationsQuery, catalogue: Catalogue, customer_id: UUID, session: Session
) -> tuple[list[Details], Position | None]:
    after = query.after
    details.in_one_snapshot(session)
    statements = sql.of(session)
    words = finding.lexemes(statements, query.q) if query.q else ()
    if query.q and not words:
        raise InvalidRequest.of_fields([("q", "has only words that are not searched for, such as `the`: name another")])
    if not _may_match(query):
        return [], None
    page = finding.find(statements, _filters(query, catalogue, customer_id, words), after, limit=query.limit)
    return details.find_all(session, page.ids, customer_id=customer_id), page.next


def _filters(
    query: GenerationsQuery, catalogue: Catalogue, customer_id: UUID, words: tuple[str, ...]
) -> finding.Filters:
    card = catalogue.card(query.model) if query.model else None
    return finding.Filters(
        customer_id,
        stages=frozenset(_stages(query)) if query.status or query.stage else frozenset(),
        kind=query.kind,
        # A model may have left the catalogue since.
        model=card.name if card else query.model,
        batch_id=query.batch_id,
        entry=_entry(query),
        words=words,
        created_from=query.created_from,
        created_before=query.created_before,
        provider=query.provider,
    )


def _may_match(query: GenerationsQuery) -> bool:
    """Whether a stage exists that meets both filters of stages."""
    return not (query.status or query.stage) or any(_stages(query))


def _stages(query: GenerationsQuery) -> Iterator[Stage]:
    for stage in query.stage or Stage:
        if not query.status or status_of(stage) in query.status:
            yield stage


def _entry(query: GenerationsQuery) -> tuple[str, str] | None:
    match query.metadata_key, query.metadata_value:
        case None, None:
            return None
        case str(key), str(value):
            return key, value
        case key, _:
            field, other = ("metadata_value", "metadata_key") if key else ("metadata_key", "metadata_value")
            raise InvalidRequest.of_fields([(field, f"is missing: `{other}` needs it")])
