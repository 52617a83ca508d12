"""The SQL statements that write a generation's stage or a timeline entry.

No other file contains such statements (a test checks this). `storage.transitions` passes the parameters.
"""

from uuid import UUID

from storage.claims import Snapshot
from storage.sql import IS_FREE, returns

# One order, or all orders of a batch.
INSERT = returns(lambda *row: row)("""
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
            id uuid, idempotency_key text, kind text, model text, "order" jsonb, credits bigint, provider text,
            deadline_after float8, not_before timestamptz, endpoint_id uuid
        )
    ), inserted AS (
        INSERT INTO generations (
            id, customer_id, idempotency_key, request_hash, kind, model, "order", credits, provider, result_urls,
            stage, progress, attempt, failures, route_index, traceparent, wake_at, deadline_at
        )
        SELECT
            given.id, customers.id, idempotency_key, %(request_hash)s, kind, model, "order", credits, provider, '[]',
            'queued', 0, 0, 0, 0, %(traceparent)s,
            -- A scheduled generation gets its first wake-up at its start. Others get it right after the commit, and
            -- again at this time if it was lost.
            coalesce(not_before, clock_timestamp() + make_interval(secs => %(resend_after)s)),
            greatest(not_before, clock_timestamp()) + make_interval(secs => deadline_after)
        -- The orders of test customers go to twins, and only theirs. A deleted customer orders nothing.
        FROM customers, given
        WHERE customers.id = %(customer_id)s AND (test_of IS NOT NULL) = %(is_test)s AND deleted_at IS NULL
        -- A deletion of the customer waits for this order, or this order sees the deletion.
        FOR KEY SHARE OF customers
        ON CONFLICT (customer_id, idempotency_key) DO NOTHING
        RETURNING id, customer_id, credits, created_at, stage_at, wake_at, deadline_at
    ), noted AS (
        INSERT INTO events (generation_id, customer_id, stage, progress, name, data)
        SELECT id, customer_id, 'queued', 0, 'moved', jsonb_build_object('credits', credits) FROM inserted
    ), called_back AS (
        INSERT INTO webhook_generations (generation_id, endpoint_id)
        SELECT id, endpoint_id FROM inserted JOIN given USING (id) WHERE endpoint_id IS NOT NULL
    )
    SELECT id, created_at, stage_at, wake_at, deadline_at, (
        SELECT jsonb_build_object(
            'in_flight', in_flight, 'per_day', per_day, 'credits_per_day', credits_per_day, 'on_limit', on_limit
        ) FROM customer_limits WHERE customer_id = %(customer_id)s
    )
    FROM inserted
""")

# Every write of a claim: a move with its event, or a write in the same stage without an event.
WRITE = returns(Snapshot)("""
    WITH written AS (
        UPDATE generations SET
            stage = %(target)s,
            stage_at = CASE WHEN %(restarts)s THEN clock_timestamp() ELSE stage_at END,
            finished_at = CASE WHEN %(ends)s THEN clock_timestamp() END,
            started_at = CASE WHEN %(starts)s THEN clock_timestamp() ELSE started_at END,
            rendered_at = CASE WHEN %(renders)s THEN clock_timestamp() ELSE rendered_at END,
            updated_at = CASE WHEN %(progress)s > progress THEN clock_timestamp() ELSE updated_at END,
            lease_token = CASE WHEN %(keeps_lease)s THEN lease_token END,
            lease_until = CASE WHEN %(keeps_lease)s THEN lease_until END,
            wake_at = CASE
                WHEN %(ends)s THEN NULL
                WHEN %(keeps_lease)s THEN wake_at
                -- Something came while the worker held the row.
                WHEN %(heeds_callback)s AND callback_at > claimed_at THEN greatest(clock_timestamp(), callback_at)
                WHEN %(heeds_cancel)s AND cancel_requested_at > claimed_at THEN clock_timestamp()
                WHEN %(has_deadline)s THEN least(clock_timestamp() + make_interval(secs => %(wake_in)s), deadline_at)
                ELSE clock_timestamp() + make_interval(secs => %(wake_in)s)
            END,
            progress = greatest(progress, %(progress)s),
            submission = CASE WHEN NOT %(loses_run)s THEN coalesce(%(submission)s, submission) END,
            cancel_sent_at = CASE
                WHEN %(loses_run)s THEN NULL
                WHEN %(cancel_sent)s THEN clock_timestamp()
                ELSE cancel_sent_at
            END,
            failures = coalesce(%(failures)s, failures), crashes = coalesce(%(crashes)s, crashes),
            provider = coalesce(%(provider)s, provider), route_index = coalesce(%(route_index)s, route_index),
            routes_given_up = coalesce(%(routes_given_up)s, routes_given_up),
            -- A lost run is forgotten: nothing that comes from there later finds this generation.
            lost_runs = CASE WHEN %(loses_run)s THEN
                lost_runs || jsonb_build_array(
                    jsonb_build_object('provider', generations.provider, 'remote_id', generations.remote_id)
                    || CASE WHEN %(lost_unbegun)s THEN '{"began": false}' ELSE '{}' END::jsonb
                )
            ELSE lost_runs END,
            remote_id = CASE WHEN NOT %(loses_run)s THEN coalesce(%(remote_id)s, remote_id) END,
            remote_links = CASE WHEN %(loses_run)s THEN '{}' ELSE coalesce(%(remote_links)s, remote_links) END,
            remote_wait = CASE WHEN NOT %(loses_run)s THEN coalesce(%(remote_wait)s, remote_wait) END,
            remote_ahead = CASE
                WHEN %(loses_run)s THEN NULL
                WHEN %(remote_wait)s::text IS NULL THEN remote_ahead
                ELSE %(remote_ahead)s::int
            END,
            callback_at = CASE WHEN NOT %(loses_run)s THEN callback_at END,
            silent_since = CASE
                WHEN %(is_silent)s::boolean IS NULL THEN silent_since
                -- The release before does not end the silence. It counts failures, as this one does.
                WHEN %(is_silent)s THEN
                    coalesce(CASE WHEN generations.failures > 0 THEN silent_since END, clock_timestamp())
            END,
            result_urls = coalesce(%(result_urls)s, result_urls),
            object_key = CASE WHEN NOT %(loses_run)s THEN coalesce(%(object_key)s, object_key) END,
            download = coalesce(%(download)s, download),
            provider_credits = coalesce(%(provider_credits)s, provider_credits),
            provider_seconds = coalesce(%(provider_seconds)s, provider_seconds),
            error_code = coalesce(%(error_code)s, error_code),
            error_message = coalesce(%(error_message)s, error_message),
            traceparent = coalesce(traceparent, %(traceparent)s), last_span = coalesce(%(span)s, last_span)
        WHERE id = %(id)s AND lease_token = %(token)s AND stage = %(origin)s
        RETURNING *
    ), noted AS (
        INSERT INTO events (generation_id, customer_id, origin, stage, progress, name, data)
        SELECT id, customer_id, %(origin)s, stage, progress, 'moved', %(event)s::jsonb
        FROM written WHERE %(event)s::jsonb IS NOT NULL
    )
    SELECT
        id, customer_id, kind, "order", credits, stage, created_at, stage_at, wake_at, deadline_at, attempt, failures,
        crashes, claimed_at, cancel_requested_at, cancel_sent_at, provider, route_index, routes_given_up, remote_id,
        remote_links, result_urls, object_key, download, traceparent, last_span, lost_runs, silent_since
    FROM written
""")

UNLESS_CALLED_BACK = returns(UUID)("""
    SELECT id FROM generations
    WHERE id = %(id)s AND lease_token = %(token)s AND coalesce(callback_at <= claimed_at, true)
    FOR UPDATE
""")

WITHDRAW = returns(UUID)("""
    WITH withdrawn AS (
        UPDATE generations SET
            stage = %(target)s, stage_at = clock_timestamp(), wake_at = clock_timestamp(),
            submission = NULL, lease_token = NULL, lease_until = NULL
        WHERE id = %(id)s AND stage = %(origin)s AND submission = %(token)s
        RETURNING id, customer_id, stage, progress
    )
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, name, data)
    SELECT id, customer_id, %(origin)s, stage, progress, 'submit_withdrawn', %(event)s FROM withdrawn
    RETURNING generation_id
""")

# Another worker may have the claim and be about to give up. Without its lease, that worker's write is refused, and the
# next claim finds the id.
KEEP = returns(UUID)("""
    UPDATE generations SET
        remote_id = %(remote_id)s, remote_links = %(remote_links)s, object_key = coalesce(%(object_key)s, object_key),
        wake_at = clock_timestamp(), lease_token = NULL, lease_until = NULL
    WHERE id = %(id)s AND stage = 'submitting' AND submission = %(token)s AND remote_id IS NULL
    RETURNING id
""")

REMOTE_ID = returns(str)("SELECT remote_id FROM generations WHERE id = %(id)s")

# A worker that has the claim loses the lease, and so sends no create.
END_UNSENT = """
    WITH ended AS (
        UPDATE generations SET
            stage = %(target)s, stage_at = clock_timestamp(), finished_at = clock_timestamp(),
            cancel_requested_at = CASE WHEN %(code)s::text IS NULL THEN clock_timestamp() ELSE cancel_requested_at END,
            error_code = %(code)s, error_message = %(message)s,
            wake_at = NULL, lease_token = NULL, lease_until = NULL
        WHERE id = %(id)s AND stage = %(origin)s
        RETURNING id, customer_id, stage, progress
    )
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, name, data)
    SELECT id, customer_id, %(origin)s, stage, progress, 'moved', %(event)s FROM ended
"""

# During a claim, `wake_at` stays: the write that gives up the claim sees the request.
WISH = f"""
    UPDATE generations SET
        cancel_requested_at = clock_timestamp(), updated_at = clock_timestamp(),
        wake_at = CASE WHEN {IS_FREE} THEN clock_timestamp() ELSE wake_at END
    WHERE id = %(id)s
"""  # noqa: S608 -- a constant

# A claim past the deadline is not renewed. The next claim ends the generation.
END_DEADLINE = f"""
    UPDATE generations SET
        deadline_at = least(deadline_at, clock_timestamp()),
        wake_at = CASE WHEN {IS_FREE} THEN clock_timestamp() ELSE wake_at END
    WHERE id = %(id)s
"""  # noqa: S608 -- a constant

# The restored database does not know whether these creates left after its backup. Their accounts count them as sent:
# a granted create is at `infinity` until it leaves. The trigger of the move finds no admission any more.
DOUBT = returns(lambda provider, count: (str(provider), int(count)))("""
    WITH doubted AS (
        UPDATE generations SET
            stage = %(target)s, stage_at = clock_timestamp(), wake_at = clock_timestamp(),
            submission = gen_random_uuid(), failures = 0, crashes = 0, lease_token = NULL, lease_until = NULL
        WHERE stage = %(origin)s AND coalesce(("order"->>'not_before')::timestamptz <= %(stopped_at)s, true)
        RETURNING id, customer_id, stage, progress, provider
    ), noted AS (
        INSERT INTO events (generation_id, customer_id, origin, stage, progress, name, data)
        SELECT id, customer_id, %(origin)s, stage, progress, 'moved', %(event)s FROM doubted
    ), uncounted AS (
        DELETE FROM admissions USING doubted WHERE generation_id = doubted.id RETURNING create_id
    ), sent AS (
        UPDATE admission_creates SET at = clock_timestamp() FROM uncounted
        WHERE admission_creates.id = uncounted.create_id AND admission_creates.at = 'infinity'
    )
    SELECT provider, count(*) FROM doubted GROUP BY provider ORDER BY provider
""")

NOTE = """
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, name, data)
    SELECT id, customer_id, stage, stage, progress, %(name)s, noted.data
    FROM generations JOIN unnest(%(ids)s::uuid[], %(data)s::jsonb[]) AS noted (id, data) USING (id)
"""

NOTE_ONCE = returns(UUID)("""
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, name, data)
    SELECT id, customer_id, stage, stage, progress, %(name)s::varchar, %(data)s FROM generations
    WHERE id = %(id)s AND NOT EXISTS (SELECT FROM events WHERE generation_id = %(id)s AND name = %(name)s::varchar)
    RETURNING generation_id
""")

# Equal failures in a row share an entry, and a generation has a limited number of these entries: a step may fail every
# few seconds until the deadline, a day long.
NOTE_TROUBLE = """
    WITH newest AS (
        SELECT id, name, stage, data->>'reason' AS reason FROM events
        WHERE generation_id = %(id)s ORDER BY id DESC LIMIT 1
    ), counted AS (
        UPDATE events SET data = events.data || jsonb_build_object(
            'reason', %(reason)s::text, 'by', %(by)s::jsonb, 'until', clock_timestamp(),
            'times', coalesce((events.data->>'times')::int, 1) + 1
        )
        FROM newest JOIN generations ON generations.id = %(id)s
        WHERE events.id = newest.id AND newest.name = %(name)s::varchar AND newest.stage = generations.stage AND (
            newest.reason = %(reason)s::text
            OR (SELECT count(*) FROM events WHERE generation_id = %(id)s AND name = %(name)s::varchar) >= %(most)s
        )
        RETURNING events.id
    )
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, name, data)
    SELECT id, customer_id, stage, stage, progress, %(name)s::varchar,
           jsonb_build_object('reason', %(reason)s::text, 'by', %(by)s::jsonb)
    FROM generations WHERE id = %(id)s AND NOT EXISTS (SELECT FROM counted)
"""

KEPT_DATA = (
    "by",
    "found_by",
    "times",
    "until",
    "route",
    "next_route",
    "provider",
    "remote_id",
    "attempt",
    "code",
    "credits",
    "is_charged",
    "files",
    "size_bytes",
    "change",
    "action",
    "retry_of",
    "retried_by",
)
"""The facts of timeline entries that stay when a generation is deleted. Other data may quote texts."""

# The facts of the order stay: kind, model, routes and price.
ERASE = returns(lambda key, size_bytes: (str(key), int(size_bytes)))("""
    WITH erased AS (
        UPDATE generations SET
            deleted_at = clock_timestamp(), error_message = NULL, result_urls = '[]', remote_links = '{}',
            rating = NULL, "order" = "order" - 'preview_of' - 'variants' ||
                '{"inputs": {"prompt": ""}, "reference": null, "metadata": {}, "callback_url": null}'
        WHERE id = %(id)s
        RETURNING id, customer_id, stage, progress
    ), terms AS (
        DELETE FROM generation_terms t
        USING generation_labels l CROSS JOIN LATERAL generation_terms_of(l.customer_id, l.search, l.metadata) AS theirs
        WHERE l.generation_id = %(id)s
          AND t.term = theirs AND t.created_at = l.created_at AND t.generation_id = l.generation_id
    ), labels AS (
        DELETE FROM generation_labels WHERE generation_id = %(id)s
    ), receipts AS (
        DELETE FROM callback_receipts WHERE generation_id = %(id)s
    ), messages AS (
        -- A message that is still to be sent holds the facts alone. A sweep removes its row later.
        DELETE FROM webhook_deliveries WHERE generation_id = %(id)s AND state <> 'pending'
    ), timeline AS (
        UPDATE events SET data = (
            SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(data) WHERE key = ANY(%(kept)s)
        )
        WHERE generation_id = %(id)s
    ), noted AS (
        INSERT INTO events (generation_id, customer_id, origin, stage, progress, name, data)
        SELECT id, customer_id, stage, stage, progress, 'deleted', '{}' FROM erased
    )
    UPDATE assets SET expired_at = clock_timestamp() WHERE generation_id = %(id)s AND expired_at IS NULL
    RETURNING object_key, size_bytes
""")
