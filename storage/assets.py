"""Assets: what was stored for a generation."""

from collections.abc import Iterable

from sqlalchemy import insert
from sqlmodel import Session, SQLModel

from schemas.tables import Asset

_TABLE = SQLModel.metadata.tables["assets"]


def add_assets(session: Session, assets: Iterable[Asset]) -> None:
    """Make stored objects count. Their times are the database's."""
    session.execute(insert(_TABLE), [asset.model_dump(exclude={"created_at", "expired_at"}) for asset in assets])
