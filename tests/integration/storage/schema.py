"""Reads a database's schema, and finds changes that would break the previous release."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine, inspect
from sqlalchemy.engine.reflection import Inspector

# Alembic's own.
_NOT_OURS = {"alembic_version"}


@dataclass(frozen=True)
class Column:
    """A column. `is_filled`: an INSERT may leave it out, because the database gives it a value."""

    type: str
    is_nullable: bool
    is_filled: bool


@dataclass(frozen=True)
class Table:
    """A table: its columns, its rules by name, and its other indexes."""

    columns: dict[str, Column]
    rules: dict[str, str]
    indexes: dict[str, str]


Schema = dict[str, Table]


def read(engine: Engine) -> Schema:
    """Read the current schema of the database."""
    found = inspect(engine)
    return {name: _table(found, name) for name in found.get_table_names() if name not in _NOT_OURS}


def _table(found: Inspector, name: str) -> Table:
    columns = {
        column["name"]: Column(
            type=column["type"].compile(dialect=found.dialect),
            is_nullable=column["nullable"],
            is_filled=column["nullable"] or column["default"] is not None or "identity" in column,
        )
        for column in found.get_columns(name)
    }
    indexes = {
        str(index["name"]): f"{index['column_names']} {index.get('dialect_options', {})}"
        for index in found.get_indexes(name)
        if not index["unique"]
    }
    return Table(columns, dict(_rules(found, name)), indexes)


def _rules(found: Inspector, table: str) -> Iterator[tuple[str, str]]:
    """What a row must keep, by the rule's name."""
    key = found.get_pk_constraint(table)
    yield str(key["name"]), f"primary key {key['constrained_columns']}"
    for check in found.get_check_constraints(table):
        yield str(check["name"]), f"check {check['sqltext']}"
    for foreign in found.get_foreign_keys(table):
        target = f"{foreign['referred_table']} {foreign['referred_columns']}"
        yield str(foreign["name"]), f"foreign key {foreign['constrained_columns']} to {target}"
    for index in found.get_indexes(table):
        if index["unique"]:
            yield str(index["name"]), f"unique {index['column_names']} {index.get('dialect_options', {})}"


def breaks(old: Schema, new: Schema) -> list[str]:
    """The reasons why a release with the schema `old` may fail on `new`. Empty if there are none."""
    found: list[str] = []
    for name, before in old.items():
        if name not in new:
            found.append(f"table {name} is gone")
            continue
        after = new[name]
        found += [f"column {name}.{problem}" for problem in _broken_columns(before, after)]
        found += [
            f"table {name} has the new rule {rule}"
            for rule, text in after.rules.items()
            if before.rules.get(rule) != text
        ]
    return found


def _broken_columns(before: Table, after: Table) -> Iterator[str]:
    for name, old in before.columns.items():
        new = after.columns.get(name)
        if new is None:
            yield f"{name} is gone"
            continue
        if new.type != old.type:
            yield f"{name} was {old.type} and is {new.type}"
        if old.is_nullable and not new.is_nullable:
            yield f"{name} may not be NULL any more"
        elif old.is_filled and not new.is_filled:
            yield f"{name} has no default any more"
    for name in after.columns.keys() - before.columns.keys():
        if not after.columns[name].is_filled:
            yield f"{name} is new, may not be NULL and has no default"
