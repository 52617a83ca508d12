"""Checks the object store against the database."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select

from schemas.tables import Asset
from schemas.variant_tables import VariantFile
from storage.audit.report import Breach
from storage.database import Database
from storage.generations import database_now
from storage.objects import ObjectStore
from storage.orphans import find_orphans
from storage.variants import reading

_SLICE = 500

File = TypeVar("File", Asset, VariantFile)


# At twice the age, even a sweep that fails every second day has removed an orphan.
_ORPHAN_AGES_UNTIL_BREACH = 2


@dataclass(frozen=True)
class Stored:
    """The result of a check of objects."""

    count: int
    """The number of checked objects."""
    size_bytes: int
    """The size of the checked objects."""
    breaches: list[Breach]
    """The breaches."""


def check_assets(
    database: Database, objects: ObjectStore, *, on_object: Callable[[int, int], None] | None = None
) -> Stored:
    """Read every stored file once, and compare it with its row."""
    with database.transaction() as session:
        results = session.exec(select(func.count()).where(col(Asset.expired_at).is_(None))).one()
        total = results + session.exec(select(func.count()).where(reading.is_kept())).one()
    count = size_bytes = 0
    breaches: list[Breach] = []
    for asset in _kept(database):
        problem = _problem(objects, asset)
        # The asset may have expired since its row was read.
        if problem and _is_kept(database, asset):
            breaches.append(Breach(2, str(asset.generation_id), problem))
        count, size_bytes = count + 1, size_bytes + asset.size_bytes
        if on_object:
            on_object(count, max(count, total))
    return Stored(count, size_bytes, breaches)


def check_orphans(database: Database, objects: ObjectStore, *, orphan_age: timedelta) -> Stored:
    """Count the orphans. An orphan that a sweep should have removed long ago is a breach."""
    limit = orphan_age * _ORPHAN_AGES_UNTIL_BREACH
    with database.transaction() as session:
        swept_before = database_now(session) - limit
    count = size_bytes = left = 0
    for found in find_orphans(database, objects, older_than=timedelta()):
        count += len(found)
        size_bytes += sum(orphan.size_bytes for orphan in found)
        left += sum(orphan.modified_at < swept_before for orphan in found)
    problem = f"{left} objects belong to nothing for more than {limit}: the sweep does not remove them"
    return Stored(count, size_bytes, [Breach(2, "object store", problem)] if left else [])


def _kept(database: Database) -> Iterator[Asset | VariantFile]:
    yield from _kept_of(database, Asset)
    yield from _kept_of(database, VariantFile)


def _kept_of(database: Database, table: type[File]) -> Iterator[File]:
    last = ""
    while files := _slice_after(database, table, last):
        yield from files
        last = str(files[-1].object_key)


def _slice_after(database: Database, table: type[File], key: str) -> Sequence[File]:
    columns = _columns(table)
    statement = select(table).where(columns.object_key > key, _condition(table)).order_by(columns.object_key)
    with database.transaction() as session:
        return session.exec(statement.limit(_SLICE)).all()


def _condition(table: type[Asset | VariantFile]) -> ColumnElement[bool]:
    return reading.is_kept() if issubclass(table, VariantFile) else col(Asset.expired_at).is_(None)


def _columns(table: type[Asset | VariantFile]) -> Any:
    return table


def _is_kept(database: Database, file: Asset | VariantFile) -> bool:
    with database.transaction() as session:
        table = type(file)
        found = session.exec(select(table.id).where(_columns(table).id == file.id, _condition(table)))
        return found.first() is not None


def _problem(objects: ObjectStore, asset: Asset | VariantFile) -> str | None:
    key = asset.object_key
    found = objects.stat(key)
    if found is None:
        return f"object {key} is not in the store"
    if found.size_bytes != asset.size_bytes:
        return f"object {key} has {found.size_bytes} bytes, recorded are {asset.size_bytes}"
    digest = hashlib.sha256()
    with objects.stream(key) as chunks:
        for chunk in chunks:
            digest.update(chunk)
    return None if digest.hexdigest() == asset.sha256 else f"object {key} does not match its SHA-256"
