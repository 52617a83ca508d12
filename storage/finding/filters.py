"""The filters of a list, and what each filter means in SQL: a check of one row, and the ways to its rows in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.enums import Kind, Stage


@dataclass(frozen=True)
class Table:
    """A table with one row for each generation."""

    name: str
    """The name."""
    id: str
    """The column of the generation's id."""


LABELS = Table("generation_labels", "generation_id")
GENERATIONS = Table("generations", "id")


@dataclass(frozen=True)
class Filters:
    """A customer's filters. A generation must meet all of them."""

    customer_id: UUID
    """The customer."""
    stages: frozenset[Stage] = frozenset()
    """The stages. Empty: any stage."""
    kind: Kind | None = None
    """Image or video."""
    model: str | None = None
    """Our name of the model that serves the request."""
    batch_id: UUID | None = None
    """The batch."""
    entry: tuple[str, str] | None = None
    """A key of metadata and its value."""
    words: tuple[str, ...] = ()
    """The words that the prompt has, as PostgreSQL's full text writes them (`lexemes`)."""
    created_from: datetime | None = None
    """The earliest time of acceptance."""
    created_before: datetime | None = None
    """The first time of acceptance that is too late."""
    provider: str | None = None
    """The account that has the generation, or had it last. For admins."""


@dataclass(frozen=True)
class Way:
    """An index that leads to rows in the list's order."""

    branches: tuple[str, ...]
    """Each a table with its conditions. Several are merged in order."""
    id: str = "generation_id"
    """The column of the generation's id."""


@dataclass(frozen=True)
class Filter:
    """A filter in SQL."""

    check: str
    """A condition on the columns of `table`."""
    ways: tuple[Way, ...]
    """The ways that lead to rows which meet the filter. Without one, the filter checks the rows of another way."""
    table: Table = LABELS
    """The table that the check reads."""
    is_exact: bool = True
    """Whether each row of each way meets the filter, so that no check is needed."""


EVERY = Way(("generation_labels WHERE customer_id = %(customer_id)s",))
"""The way to all generations of the customer."""


def given(filters: Filters) -> Iterator[Filter]:
    """The filters that are set, those first that are rare as a rule. The times bound every way."""
    if filters.batch_id:
        yield Filter("batch_id = %(batch_id)s", (_by_label("batch_id"),))
    if filters.entry:
        term = "generation_term(%(customer_id)s, 'entry', %(key)s || E'\\x1f' || %(value)s)"
        yield Filter("metadata ->> %(key)s = %(value)s", (_by_term(term),))
    if filters.words:
        ways = tuple(_by_term(_word(index)) for index in range(len(filters.words)))
        yield Filter("%(words)s::text[] <@ tsvector_to_array(search)", ways, is_exact=len(ways) == 1)
    if filters.model:
        yield Filter("model = %(model)s", (_by_label("model"),))
    if filters.kind:
        yield Filter("kind = %(kind)s", (_by_label("kind"),))
    if filters.stages:
        yield Filter("stage = ANY(%(stages)s)", (_by_stage(filters.stages),), GENERATIONS)
    if filters.provider:
        # A generation changes its provider, and each index of `generations` costs every move an entry.
        yield Filter("provider = %(provider)s", (), GENERATIONS)


def parameters(filters: Filters) -> dict[str, object]:
    """The parameters of the ways and the checks."""
    key, value = filters.entry or (None, None)
    words = {f"word_{index}": word for index, word in enumerate(filters.words)}
    stages = {f"stage_{stage}": stage.value for stage in filters.stages}
    return {
        "customer_id": filters.customer_id, "stages": [stage.value for stage in filters.stages],
        "kind": filters.kind, "model": filters.model, "batch_id": filters.batch_id, "key": key, "value": value,
        "words": list(filters.words), "provider": filters.provider,
        "created_from": filters.created_from, "created_before": filters.created_before,
        **words, **stages,
    }  # fmt: skip


def _by_label(column: str) -> Way:
    return Way((f"generation_labels WHERE customer_id = %(customer_id)s AND {column} = %({column})s",))


def _by_stage(stages: frozenset[Stage]) -> Way:
    table = "generations WHERE customer_id = %(customer_id)s AND deleted_at IS NULL AND stage = %(stage_{})s"
    return Way(tuple(table.format(stage) for stage in sorted(stages)), id="id")


def _by_term(term: str) -> Way:
    return Way((f"generation_terms WHERE term = {term}",))


def _word(index: int) -> str:
    return f"generation_term(%(customer_id)s, 'word', %(word_{index})s)"
