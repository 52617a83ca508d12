"""Reads variants for customers, and gives their files up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from schemas.enums import AssetRole
from schemas.tables import Asset
from schemas.variant_tables import Variant, VariantFile
from schemas.variants import FilePart
from storage.sql import Sql, returns


@dataclass(frozen=True)
class StoredVariant:
    """A variant with its files."""

    variant: Variant
    """The row."""
    files: Sequence[VariantFile]
    """The files, the media first. Empty until the variant is ready, and where the result is the variant."""

    def file(self, part: FilePart) -> VariantFile | None:
        """A file of the variant. None: there is no such file."""
        return next((file for file in self.files if file.part is part), None)


def of_generations(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[StoredVariant]]:
    """The variants of these generations, in the order of their orders."""
    found: dict[UUID, list[StoredVariant]] = {}
    every = select(Variant).where(col(Variant.generation_id).in_(ids)).order_by(col(Variant.position))
    variants = session.exec(every).all()
    if not variants:
        return found
    of_each: dict[UUID, list[VariantFile]] = {}
    theirs = select(VariantFile).where(col(VariantFile.variant_id).in_([variant.id for variant in variants]))
    for file in session.exec(theirs.order_by(col(VariantFile.part).desc())):
        of_each.setdefault(file.variant_id, []).append(file)
    for variant in variants:
        found.setdefault(variant.generation_id, []).append(StoredVariant(variant, of_each.get(variant.id, [])))
    return found


def is_kept() -> ColumnElement[bool]:
    """The condition that a file of a variant is kept: the file and its result are not given up.

    A release before variants, and a sweep beside the end of a variant, give up the result alone.
    """
    result = aliased(Asset)
    of_result = select(result.id).where(
        result.generation_id == VariantFile.generation_id,
        result.role == AssetRole.RESULT,
        col(result.expired_at).is_(None),
    )
    return and_(col(VariantFile.expired_at).is_(None), of_result.exists())


def find_kept(session: Session, object_key: str) -> tuple[VariantFile, Asset] | None:
    """A file of a variant by its key, with its result. None: the file or its result is deleted."""
    return session.exec(
        select(VariantFile, Asset)
        .join(Asset, col(Asset.generation_id) == VariantFile.generation_id)
        .where(VariantFile.object_key == object_key, Asset.role == AssetRole.RESULT, is_kept())
    ).one_or_none()


_ERASE = returns(lambda key, size_bytes: (str(key), int(size_bytes)))("""
    WITH files AS (
        DELETE FROM variant_files WHERE generation_id = %(id)s RETURNING object_key, size_bytes, expired_at
    )
    SELECT object_key, size_bytes FROM files WHERE expired_at IS NULL
""")
_ERASE_ROWS = "DELETE FROM variants WHERE generation_id = %(id)s"


def erase(sql: Sql, generation_id: UUID) -> list[tuple[str, int]]:
    """Remove the variants of a generation. Returns the keys and sizes of their files.

    A worker that makes a variant at this moment loses its claim, and removes what it has stored.
    """
    files = sql.all(_ERASE, id=generation_id)
    sql.run(_ERASE_ROWS, id=generation_id)
    return files
