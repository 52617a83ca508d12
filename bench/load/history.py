"""Fills a database with the history of one customer: finished generations, and a few unfinished ones at the end.

The prompts, labels and ends have known shares, from half of the generations down to one in 100,000, so that a list can
be asked for common and for rare ones. The rows have no transfers and no assets: an audit would find the transfers
missing.
"""

from collections.abc import Callable
from uuid import UUID

import psycopg

_BATCH = 20_000

# Row 1 is the oldest: 20 s lie between two rows. The last 1,000 rows are unfinished.
_FILL = """
    INSERT INTO generations (
        id, customer_id, request_hash, kind, model, "order", credits, provider, route_index, result_urls, stage,
        progress, attempt, failures, wake_at, deadline_at, created_at, stage_at, finished_at, error_code, error_message
    )
    SELECT gen_random_uuid(), %(customer_id)s, 'bench', kind, model,
           jsonb_build_object(
               'kind', kind, 'model', model, 'credits', 4, 'file_extension', 'png',
               'routes', '[{"provider": "kie", "model": "google/nano-banana"}]'::jsonb,
               'inputs', jsonb_build_object('prompt', prompt),
               'metadata', jsonb_build_object('tier', tier, 'order', n::text),
               'batch_id', CASE WHEN n %% 10000 < 100 THEN md5('batch ' || n / 10000)::uuid END
           ),
           4, CASE WHEN n %% 50 = 0 THEN 'fal' ELSE 'kie' END, 0, '[]', stage,
           CASE stage WHEN 'completed' THEN 100 ELSE 15 END, 1, 0,
           CASE WHEN finished_at IS NULL THEN now() + interval '1 day' END, at + interval '10 minutes',
           at, at, finished_at,
           CASE stage WHEN 'failed' THEN 'timeout' END, CASE stage WHEN 'failed' THEN 'not finished in time' END
    FROM (
        SELECT n, now() - (%(count)s::int - n) * interval '20 s' AS at,
               CASE WHEN n %% 20 = 0 THEN 'video' ELSE 'image' END AS kind,
               CASE WHEN n %% 2 = 0 THEN 'gold' ELSE 'tin' END AS tier,
               CASE WHEN n %% 100 = 0 THEN 'veo-3' ELSE 'nano-banana' END AS model,
               CASE
                   WHEN n > %(count)s::int - 1000
                       THEN CASE WHEN n %% 3 = 0 THEN 'downloading' WHEN n %% 3 = 1 THEN 'generating' ELSE 'queued' END
                   WHEN n %% 25 = 0 THEN 'failed' WHEN n %% 1000 = 1 THEN 'cancelled' ELSE 'completed'
               END AS stage,
               concat_ws(' ', 'scene', n, CASE WHEN n %% 2 = 0 THEN 'a lighthouse' END,
                         CASE WHEN n %% 20 = 0 THEN 'fog' END, CASE WHEN n %% 1000 = 0 THEN 'heron' END,
                         CASE WHEN n %% 100000 = 0 THEN 'quagga' END) AS prompt
        FROM generate_series(%(first)s::int, %(last)s::int) n
    ) rows
    CROSS JOIN LATERAL (
        SELECT CASE WHEN stage IN ('completed', 'failed', 'cancelled') THEN at + interval '10 s' END AS finished_at
    ) ends
"""


def fill(
    database_url: str, customer_id: UUID, count: int, on_progress: Callable[[int], object] = lambda _there: None
) -> None:
    """Insert `count` generations of a customer, and vacuum the tables.

    Args:
        on_progress: called now and then with the number of rows so far.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        for first in range(1, count + 1, _BATCH):
            last = min(first + _BATCH - 1, count)
            connection.execute(_FILL, {"customer_id": customer_id, "count": count, "first": first, "last": last})
            on_progress(last)
        connection.execute("VACUUM (ANALYZE) generations, generation_labels, generation_terms")
