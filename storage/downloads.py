"""Counts the downloads of results."""

from collections.abc import Mapping
from uuid import UUID

from storage.sql import Sql

# The order of locks keeps two gateways from a deadlock. A generation that is gone has no count.
_ADD = """
    INSERT INTO generation_downloads (generation_id, downloads)
    SELECT counted.id, counted.downloads
    FROM unnest(%(ids)s::uuid[], %(counts)s::bigint[]) AS counted (id, downloads)
    JOIN generations ON generations.id = counted.id
    ORDER BY counted.id
    ON CONFLICT (generation_id) DO UPDATE SET downloads = generation_downloads.downloads + excluded.downloads
"""


def add(sql: Sql, counts: Mapping[UUID, int]) -> None:
    """Add downloads, by generation."""
    sql.run(_ADD, ids=list(counts), counts=list(counts.values()))
