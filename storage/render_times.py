"""The times that a provider takes for a model: from its acceptance to its end, of recent generations of one length."""

from dataclasses import dataclass

from schemas.names import ProviderName, is_twin
from schemas.tables import AT_TWIN
from storage.sql import Sql, returns

LEAST_SAMPLE = 5
"""With fewer generations, nothing is usual."""

_NEWEST = 200


@dataclass(frozen=True)
class Work:
    """Work whose times are alike."""

    model: str
    """Our name of the model."""
    provider: ProviderName
    """The account."""
    duration_seconds: int | None
    """The length of the video that is ordered. None for an image, or for a model without a choice."""


@dataclass(frozen=True)
class RenderTimes:
    """The seconds at the provider."""

    p10_seconds: float
    """One of ten was done by then."""
    p90_seconds: float
    """Nine of ten were done by then."""


def render_times(sql: Sql, work: Work) -> RenderTimes | None:
    """The times of the newest generations of such work. None: fewer than `LEAST_SAMPLE` are known.

    The vendor's figure counts where there is one: our own ends when we saw the end.
    """
    return sql.first(
        _TIMES, model=work.model, provider=work.provider, is_test=is_twin(work.provider),
        duration=None if work.duration_seconds is None else str(work.duration_seconds), newest=_NEWEST,
        least=LEAST_SAMPLE,
    )  # fmt: skip


# The limit counts before the conditions on provider and length: no history of other work is read.
_TIMES = returns(RenderTimes)(f"""
    SELECT percentile_cont(0.1) WITHIN GROUP (ORDER BY seconds) AS p10_seconds,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS p90_seconds
    FROM (
        SELECT coalesce(provider_seconds, extract(epoch FROM rendered_at - started_at)::float8) AS seconds
        FROM (
            SELECT provider, provider_seconds, started_at, rendered_at, "order" FROM generations
            WHERE model = %(model)s AND {AT_TWIN} = %(is_test)s AND stage = 'completed'
            ORDER BY finished_at DESC LIMIT %(newest)s
        ) AS newest
        WHERE provider = %(provider)s AND rendered_at >= started_at
            AND "order" -> 'inputs' ->> 'duration_seconds' IS NOT DISTINCT FROM %(duration)s::text
    ) AS times
    HAVING count(*) >= %(least)s
""")  # noqa: S608 -- a constant
