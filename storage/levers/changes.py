"""The history's entry of a run of a lever: written with the first effect, and counted up with each further one."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb

from schemas.levers import Lever, Selection
from storage.admission_control import Reason
from storage.levers.counting import Counted
from storage.sql import Sql, returns

SCOPE = "generations"
"""The scope of changes by levers."""


@dataclass(frozen=True)
class Change:
    """The entry of a run."""

    id: UUID
    """The id, which the timelines of the generations name."""
    lever: Lever
    """The action."""
    words: str
    """The selection in one line."""
    why: Reason
    """Who acts, and why."""
    before: dict[str, object]
    """The selection and its count."""


def of_run(change_id: UUID, lever: Lever, selection: Selection, why: Reason, counted: Counted) -> Change:
    """The entry of a run: before it, the selection, and the count by stage with the credits at stake."""
    before = {
        "where": selection.model_dump(mode="json", exclude_defaults=True),
        "count": counted.count,
        "credits": counted.credits,
        "stages": {f"{group.stage} at {group.provider}": group.count for group in counted.groups if group.count},
    }
    return Change(change_id, lever, selection.words, why, before)


class AtItsEnd(Exception):
    """A run has all the effects that its count allows."""


def count_effect(sql: Sql, change: Change, word: str, *, most: int) -> None:
    """Count an effect in the entry of a run. The last statement of a transaction, since it locks the entry.

    Raises:
        AtItsEnd: the entry has `most` effects, perhaps by other requests of the run.
    """
    if not _count(sql, change, word, most):
        raise AtItsEnd(f"change {change.id} has its {most} effects")


def count_refusal(sql: Sql, change: Change, code: str) -> None:
    """Count a refusal in the entry of a run. Refusals have no bound: they change nothing."""
    _count(sql, change, f"{_REFUSED}{code}", None)


def effects(sql: Sql, change_id: UUID) -> int:
    """The effects of a run so far, without refusals."""
    return sql.first(_EFFECTS, id=change_id) or 0


def _count(sql: Sql, change: Change, word: str, most: int | None) -> bool:
    is_counted = sql.first(
        _COUNT, id=change.id, author=change.why.author, action=change.lever.value, scope=SCOPE, name=change.words,
        reason=change.why.text, before=Jsonb(change.before), word=word, most=most,
    )  # fmt: skip
    return is_counted is not None


def record_one(sql: Sql, lever: Lever, name: str, why: Reason, effect: Mapping[str, object]) -> None:
    """Write the entry of a command that acts on one thing, or on the messages of one endpoint."""
    sql.run(
        _RECORD, author=why.author, action=lever.value, scope=SCOPE, name=name, reason=why.text, after=Jsonb(effect)
    )


_RECORD = """
    INSERT INTO admission_changes (id, author, action, scope, name, reason, after)
    VALUES (gen_random_uuid(), %(author)s, %(action)s, %(scope)s, %(name)s, %(reason)s, %(after)s)
"""

_REFUSED = "refused: "

_EFFECTS_OF = f"""(
    SELECT coalesce(sum(told.value::int), 0)::int FROM jsonb_each_text(admission_changes.after) AS told
    WHERE NOT starts_with(told.key, '{_REFUSED}')
)"""  # noqa: S608 -- a constant

_EFFECTS = returns(int)(f"SELECT {_EFFECTS_OF} FROM admission_changes WHERE id = %(id)s")  # noqa: S608 -- a constant

# Requests of one run wait for each other at the entry, and each sees the effects of those before.
_COUNT = returns(UUID)(f"""
    INSERT INTO admission_changes (id, author, action, scope, name, reason, before, after)
    SELECT
        %(id)s, %(author)s, %(action)s, %(scope)s, %(name)s, %(reason)s, %(before)s,
        jsonb_build_object(%(word)s::text, 1)
    WHERE coalesce(%(most)s::int > 0, true)
    ON CONFLICT (id) DO UPDATE SET after = admission_changes.after || jsonb_build_object(
        %(word)s::text, coalesce((admission_changes.after ->> %(word)s::text)::int, 0) + 1
    )
    WHERE coalesce(%(most)s::int > {_EFFECTS_OF}, true)
    RETURNING id
""")
