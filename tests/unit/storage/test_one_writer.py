"""Only `storage.transitions` and `storage.statements` write a generation's stage or a timeline entry."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from schemas.enums import Stage
from schemas.stages import is_allowed
from storage import statements, transitions
from storage.claims import Claim
from storage.sql import IS_FREE, Query, Sql
from tests.unit.tasks.conftest import a_claim

ROOT = Path(__file__).parent.parent.parent.parent
SOURCES = [
    path
    for package in ("cli", "gateway", "intake", "storage", "tasks", "workers")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]

_UPDATE = re.compile(r"UPDATE generations\s+SET(.*?)(?:WHERE|FROM)", re.DOTALL)
_OF_AN_ORM = re.compile(
    r"update\(Generation\)|insert\(Generation\)|(?<!\.)\bEvent\(\w+=|\b(?:row|generation|held)\.stage = "
)


def _writes(source: str) -> bool:
    sets_stage = any(re.search(r"\bstage = ", assigned) for assigned in _UPDATE.findall(source))
    inserts = "INTO events" in source or "INTO generations" in source
    return sets_stage or inserts or _OF_AN_ORM.search(source) is not None


def test_statements_that_write_a_stage_or_an_event_are_in_one_file() -> None:
    writers = [path.relative_to(ROOT) for path in SOURCES if _writes(path.read_text())]
    assert [str(path) for path in writers] == ["storage/statements.py"]


def test_condition_for_a_free_row_is_written_once() -> None:
    spelled = [path.relative_to(ROOT) for path in SOURCES if "lease_until IS NULL" in path.read_text()]
    assert [str(path) for path in spelled] == ["storage/sql.py"]
    assert IS_FREE in statements.WISH


def _without_brackets(text: str) -> str:
    while (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text


def test_no_statement_returns_a_column_that_it_does_not_name() -> None:
    """A column that the next release adds would break the prepared statements of the running release."""
    modules = [import_module(f"storage.{path.stem}") for path in (ROOT / "storage").glob("[a-z]*.py")]
    queries = {query.text for module in modules for query in vars(module).values() if isinstance(query, Query)}
    assert len(queries) > 20
    assert [text for text in queries if re.search(r"\b(SELECT|RETURNING)\s+\*", _without_brackets(text))] == []


class _Untouched(Sql):
    """A connection that no statement may reach."""

    def __init__(self) -> None:
        pass

    def _execute(self, statement: str, given: dict[str, object]) -> None:
        raise AssertionError("a move that is not allowed reached the database")


@pytest.mark.parametrize("origin", list(Stage))
@pytest.mark.parametrize("target", list(Stage))
def test_forbidden_moves_are_refused_before_the_database(origin: Stage, target: Stage) -> None:
    held: Claim = a_claim(origin)
    expected = AssertionError if is_allowed(origin, target) else ValueError
    with pytest.raises(expected):
        transitions.move(_Untouched(), held, target, wake_in=0)
