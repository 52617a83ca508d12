"""The usual time of a model: from acceptance to the end, of its newest completed generations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.sql import Sql, returns

_NEWEST = 100


@dataclass(frozen=True)
class UsualTime:
    """The usual time of a model."""

    model: str
    """Our name of the model."""
    sample: int
    """The number of generations that were read."""
    p50_seconds: float
    """Half of them took no longer."""
    p90_seconds: float
    """Nine of ten took no longer."""


def usual_times(sql: Sql, models: Sequence[str]) -> Mapping[str, UsualTime]:
    """The usual times of models, by the model's name. A model without a completed generation has none.

    The query reads the newest hundred of each model through an index, however many there are.
    """
    return {found.model: found for found in sql.all(_USUAL, models=sorted(set(models)), newest=_NEWEST)}


_USUAL = returns(UsualTime)("""
    SELECT wanted.model, count(*) AS sample,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50_seconds,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS p90_seconds
    FROM unnest(%(models)s::text[]) AS wanted (model) CROSS JOIN LATERAL (
        SELECT extract(epoch FROM finished_at - created_at)::float8 AS seconds FROM generations
        WHERE generations.model = wanted.model AND stage = 'completed'
        ORDER BY finished_at DESC LIMIT %(newest)s
    ) AS newest
    GROUP BY wanted.model
""")
