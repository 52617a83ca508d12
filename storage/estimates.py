"""The usual time of a model: from acceptance to the end, of its newest completed generations.

Generations of test customers count apart, because the sandbox makes them (docs/decisions/0039).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.tables import AT_TWIN
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


def usual_times(sql: Sql, models: Sequence[str], *, is_test: bool) -> Mapping[str, UsualTime]:
    """The usual times of models, by the model's name. A model without a completed generation has none.

    The query reads the newest hundred of each model through an index, however many there are.

    Args:
        is_test: read the times of test generations. False: read those of live generations.
    """
    found = sql.all(_USUAL, models=sorted(set(models)), is_test=is_test, newest=_NEWEST)
    return {each.model: each for each in found}


_USUAL = returns(UsualTime)(f"""
    SELECT wanted.model, count(*) AS sample,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50_seconds,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS p90_seconds
    FROM unnest(%(models)s::text[]) AS wanted (model) CROSS JOIN LATERAL (
        SELECT extract(epoch FROM finished_at - created_at)::float8 AS seconds FROM generations
        WHERE generations.model = wanted.model AND {AT_TWIN} = %(is_test)s AND stage = 'completed'
        ORDER BY finished_at DESC LIMIT %(newest)s
    ) AS newest
    GROUP BY wanted.model
""")  # noqa: S608 -- a constant
