"""Assets: what was stored for a generation."""

from collections.abc import Iterable

from sqlalchemy import text

from schemas.tables import Asset
from storage.statements import Executor

# Their times are the database's.
_GIVEN = [name for name in Asset.model_fields if name not in {"created_at", "expired_at"}]
_ADD = text(f"""
    INSERT INTO assets ({", ".join(_GIVEN)}) VALUES ({", ".join(f":{name}" for name in _GIVEN)})
""")  # noqa: S608 -- built of constants


def add_assets(executor: Executor, assets: Iterable[Asset]) -> None:
    """Make stored objects count."""
    for asset in assets:
        executor.execute(_ADD, {name: getattr(asset, name) for name in _GIVEN})
