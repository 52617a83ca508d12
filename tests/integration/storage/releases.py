"""What the release at each revision writes, in SQL: rows in every table, stage and column, and the pipeline's UPDATEs.

A revision's statements name no column that a later one adds: that is what its release does on a newer schema.
"""

from sqlalchemy import Connection, text

# A name of ours as an id.
_CUSTOMER = "md5('customer')::uuid"

_ACCOUNT = f"(SELECT id FROM ledger_accounts WHERE kind = '{{}}' AND customer_id = {_CUSTOMER})"
_AVAILABLE, _HELD = _ACCOUNT.format("available"), _ACCOUNT.format("held")
_REVENUE = "(SELECT id FROM ledger_accounts WHERE kind = 'revenue')"
_EQUITY = "(SELECT id FROM ledger_accounts WHERE kind = 'equity')"

_STAGES = "queued", "submitting", "generating", "downloading", "storing", "settling", "completed", "failed", "cancelled"


def _transfer(kind: str, source: str, target: str, stage: str | None = None) -> str:
    generation = "NULL" if stage is None else f"md5('{stage}')::uuid"
    reference = f"'{kind}'" if kind in {"grant", "refund"} else "NULL"
    return f"""
        INSERT INTO ledger_transfers
            (kind, customer_id, from_account_id, to_account_id, amount, generation_id, reference, reason)
        VALUES ('{kind}', {_CUSTOMER}, {source}, {target}, 10, {generation}, {reference}, {reference})
    """


_AT_0001 = [
    f"INSERT INTO customers (id, name) VALUES ({_CUSTOMER}, 'a customer')",
    f"""
        INSERT INTO api_keys (id, customer_id, prefix, key_hash)
        VALUES (md5('key')::uuid, {_CUSTOMER}, 'rw_12345', 'a hash')
    """,
    "UPDATE api_keys SET revoked_at = clock_timestamp()",
    f"""
        INSERT INTO ledger_accounts (customer_id, kind, balance)
        VALUES ({_CUSTOMER}, 'available', 0), ({_CUSTOMER}, 'held', 0)
    """,
    f"""
        INSERT INTO generations
            (id, customer_id, idempotency_key, request_hash, kind, model, "order", credits, stage, progress, wake_at,
             deadline_at, attempt, failures, provider, route_index, remote_id, result_urls, error_code, error_message,
             finished_at)
        SELECT md5(stage)::uuid, {_CUSTOMER}, 'key of ' || stage, 'a hash', 'video', 'a model', '{{"credits": 10}}', 10,
               stage, 0, CASE WHEN stage NOT IN ('completed', 'failed', 'cancelled') THEN now() END,
               now() + interval '10 minutes', 1, 0, 'kie', 0, 'remote ' || stage, '["https://vendor.example/1.mp4"]',
               CASE stage WHEN 'failed' THEN 'timeout' END, CASE stage WHEN 'failed' THEN 'too late' END,
               CASE WHEN stage IN ('completed', 'failed', 'cancelled') THEN now() END
        FROM unnest(ARRAY{list(_STAGES)}) AS stage
        ON CONFLICT (customer_id, idempotency_key) DO NOTHING
    """,
    _transfer("grant", _EQUITY, _AVAILABLE),
    *(_transfer("hold", _AVAILABLE, _HELD, stage) for stage in _STAGES),
    _transfer("capture", _HELD, _REVENUE, "completed"),
    _transfer("refund", _REVENUE, _AVAILABLE, "completed"),
    *(_transfer("release", _HELD, _AVAILABLE, stage) for stage in ("failed", "cancelled")),
    f"UPDATE ledger_accounts SET balance = balance + 10 WHERE customer_id = {_CUSTOMER}",
    # A claim, a finished download, a callback, and a move.
    """
        UPDATE generations
        SET lease_token = gen_random_uuid(), lease_until = clock_timestamp() + interval '10 s',
            wake_at = clock_timestamp() + interval '10 s', claimed_at = clock_timestamp(), attempt = attempt + 1
        WHERE stage = 'downloading' AND lease_until IS NULL
    """,
    """
        UPDATE generations
        SET object_key = 'customers/result.mp4', download = '{"size_bytes": 1}', provider_credits = 1.5
        WHERE stage = 'storing'
    """,
    "UPDATE generations SET callback_at = clock_timestamp(), wake_at = clock_timestamp() WHERE stage = 'generating'",
    """
        UPDATE generations
        SET stage = 'submitting', stage_at = clock_timestamp(), progress = greatest(progress, 5), failures = 0,
            lease_token = NULL, lease_until = NULL, wake_at = clock_timestamp() + interval '1 minute'
        WHERE stage = 'queued' AND attempt = 1
    """,
    "INSERT INTO events (generation_id, stage, data) SELECT id, 'queued', '{}' FROM generations",
    "INSERT INTO events (generation_id, origin, stage, data) SELECT id, 'queued', stage, '{}' FROM generations",
    *[
        """
        INSERT INTO callback_receipts (generation_id, provider, remote_id, body, body_sha256, deliveries)
        SELECT id, provider, remote_id, 'a body', 'a hash', 1 FROM generations WHERE stage = 'generating'
        ON CONFLICT (generation_id, body_sha256) DO UPDATE SET deliveries = callback_receipts.deliveries + 1
        """
    ]
    * 2,
    f"""
        INSERT INTO assets
            (id, generation_id, customer_id, role, object_key, content_type, size_bytes, sha256, width, height,
             duration_seconds, frame_rate, codec, bit_rate)
        SELECT md5(role)::uuid, md5('completed')::uuid, {_CUSTOMER}, role, 'customers/' || role, 'video/mp4', 1,
               'a hash', 64, 64, 5.0, 24.0, 'h264', 1000
        FROM unnest(ARRAY['result', 'poster']) AS role
    """,
]

_AT_0002 = [
    """
        UPDATE generations
        SET holder = 'provider#1', crashes = crashes + 1, submission = gen_random_uuid(),
            cancel_requested_at = clock_timestamp(), cancel_sent_at = clock_timestamp()
        WHERE stage = 'generating'
    """,
    """
        INSERT INTO events (generation_id, origin, stage, name, data)
        SELECT id, stage, stage, 'cancel_requested', '{}' FROM generations WHERE stage = 'generating'
    """,
    "UPDATE assets SET expired_at = clock_timestamp()",
]

_AT_0003 = [
    """
        UPDATE generations SET remote_links = '{"status": "https://vendor.example/requests/1/status"}'
        WHERE stage = 'generating'
    """,
]

_AT_0004 = [
    f"""
        INSERT INTO uploads (id, customer_id, object_key, content_type, size_bytes, sha256, expires_at)
        VALUES (md5('upload')::uuid, {_CUSTOMER}, 'uploads/1.png', 'image/png', 1, 'a hash', now() + interval '7 days')
        ON CONFLICT (id) DO UPDATE SET expires_at = greatest(uploads.expires_at, excluded.expires_at)
    """,
    "UPDATE uploads SET expires_at = greatest(expires_at, clock_timestamp() + interval '1 hour')",
]

_AT_0005 = [
    f"""
        INSERT INTO uploads
            (id, customer_id, object_key, content_type, size_bytes, sha256, duration_seconds, expires_at)
        VALUES (md5('video')::uuid, {_CUSTOMER}, 'uploads/2.mp4', 'video/mp4', 1, 'a hash', 5.0, now())
        ON CONFLICT (id) DO UPDATE SET expires_at = greatest(uploads.expires_at, excluded.expires_at),
                                       duration_seconds = coalesce(excluded.duration_seconds, uploads.duration_seconds)
    """
]

_AT_0007 = [
    "INSERT INTO services (id, name) VALUES (md5('service')::uuid, 'a service')",
    f"""
        INSERT INTO customers (id, name, service_id, reference, test_of, deleted_at, erased_at)
        VALUES (md5('theirs')::uuid, '', md5('service')::uuid, '123', {_CUSTOMER}, now(), now())
        ON CONFLICT (service_id, reference) DO NOTHING
    """,
    f"""
        INSERT INTO api_keys
            (id, customer_id, service_id, prefix, key_hash, name, scopes, is_test, makes_customers, daily_cap,
             spends_as, expires_at, replaced_by, last_used_at)
        VALUES (md5('services')::uuid, NULL, md5('service')::uuid, 'rw_test_12345', 'another hash', 'a name',
                '{{read}}', true, true, 50, {_CUSTOMER}, now(), {_CUSTOMER}, now())
    """,
    """
        INSERT INTO key_spending (key_id, day, credits) VALUES (md5('key')::uuid, '2026-11-29', 10)
        ON CONFLICT (key_id, day) DO UPDATE SET credits = key_spending.credits + excluded.credits
    """,
    f"""
        INSERT INTO ledger_transfers
            (kind, customer_id, from_account_id, to_account_id, amount, reference, key_id)
        VALUES ('grant', {_CUSTOMER}, (SELECT id FROM ledger_accounts WHERE kind = 'test_equity'), {_AVAILABLE}, 10,
                'test', md5('key')::uuid)
    """,
]

_AT_0008 = [
    """
        INSERT INTO events (generation_id, customer_id, origin, stage, progress, data)
        SELECT id, customer_id, 'queued', stage, progress, '{}' FROM generations
    """
]

_AT_0009 = [
    """
        UPDATE generations
        SET updated_at = clock_timestamp(), started_at = clock_timestamp(), rendered_at = clock_timestamp(),
            provider_seconds = 1.5, rating = 5, deleted_at = clock_timestamp()
        WHERE stage = 'completed'
    """,
    "UPDATE assets SET expires_at = clock_timestamp() + interval '1 day'",
    # The trigger labels the generations. Batches and retries name others.
    """
        UPDATE generation_labels SET batch_id = md5('batch')::uuid, retry_of = md5('failed')::uuid,
                                     search = to_tsvector('english', 'a lighthouse'), metadata = '{"order": "1"}'
        WHERE generation_id = md5('queued')::uuid
    """,
    """
        INSERT INTO generation_terms (term, created_at, generation_id)
        SELECT generation_term(customer_id, 'word', 'lighthous'), created_at, generation_id FROM generation_labels
        ON CONFLICT DO NOTHING
    """,
]

_AT_0011 = [
    """
        INSERT INTO generation_downloads (generation_id, downloads) VALUES (md5('completed')::uuid, 1)
        ON CONFLICT (generation_id) DO UPDATE SET downloads = generation_downloads.downloads + excluded.downloads
    """,
    f"""
        INSERT INTO shares (id, generation_id, customer_id, expires_at)
        VALUES (md5('share')::uuid, md5('completed')::uuid, {_CUSTOMER}, clock_timestamp() + interval '7 days')
    """,
    "UPDATE shares SET views = views + 1, revoked_at = clock_timestamp()",
]

_AT_0017 = [
    """
        INSERT INTO order_digests (generation_id, value, is_retry, created_at, expires_at)
        VALUES (md5('completed')::uuid, 'a hash', false, clock_timestamp(), clock_timestamp() + interval '20 minutes')
    """,
]

_AT_0018 = [
    """
        UPDATE order_digests SET
            matched_at = clock_timestamp(), message_keys = message_keys || 'message 1'::text,
            expires_at = clock_timestamp() + interval '1 day'
    """,
]

_AT_0019 = [
    f"""
        INSERT INTO webhook_endpoints
            (id, customer_id, url, is_implicit, types, description, secret, earlier_secret, earlier_secret_until,
             paused_at, paused_reason, failing_since, used_at, deleted_at)
        VALUES (md5('endpoint')::uuid, {_CUSTOMER}, 'https://shop.example/hook', true, '{{*}}', 'orders', 'whsec_1',
                'whsec_0', now(), now(), 'failing', now(), now(), now())
    """,
    """
        INSERT INTO webhook_generations (generation_id, endpoint_id)
        VALUES (md5('completed')::uuid, md5('endpoint')::uuid)
    """,
    f"""
        INSERT INTO webhook_deliveries
            (id, endpoint_id, customer_id, generation_id, event_id, type, data, state, tries, next_at, lease_until,
             ended_at)
        VALUES (md5('delivery')::uuid, md5('endpoint')::uuid, {_CUSTOMER}, md5('completed')::uuid, 1,
                'generation.completed', '{{}}', 'delivered', 1, now(), now(), now())
    """,
    """
        INSERT INTO webhook_attempts (delivery_id, number, began_at, status, seconds, error, answer)
        VALUES (md5('delivery')::uuid, 1, now(), 500, 0.1, 'the answer was 500', 'sorry')
    """,
]

_AT_0020 = [
    """
        INSERT INTO stream_positions (name, position) VALUES ('a stream', 1)
        ON CONFLICT (name) DO UPDATE SET position = excluded.position, written_at = now()
    """,
]

_AT_0021 = [
    """
        INSERT INTO admission_accounts (provider, declared, override, closed_until, closed_reason, virtual_time,
                                        learned_in_flight, learned_in_flight_at, rate_factor, rate_factor_at)
        VALUES ('kie', '{"in_flight": 5}', '{"in_flight": 3}', now(), 'too fast', 10, 4, now(), 0.5, now())
        ON CONFLICT (provider) DO UPDATE SET virtual_time = excluded.virtual_time
    """,
    """
        INSERT INTO admission_shares (provider, customer_id, flow, asked, granted, flow_time)
        SELECT 'kie', id, 'a key', 20, 10, 5 FROM customers
        ON CONFLICT (provider, customer_id, flow) DO UPDATE SET asked = excluded.asked, used_at = now()
    """,
    """
        INSERT INTO admission_tickets (provider, customer_id, pool, lane, turn)
        SELECT 'kie', id, 'videos', 0, 10 FROM customers
        ON CONFLICT (provider, customer_id, pool, lane) DO UPDATE SET turn = excluded.turn
    """,
    "INSERT INTO admission_creates (provider, pool) VALUES ('kie', 'videos')",
    """
        INSERT INTO admission_pauses (scope, name, reason) VALUES ('provider', 'kie', 'away')
        ON CONFLICT (scope, name) DO UPDATE SET reason = excluded.reason
    """,
    """
        INSERT INTO customer_limits (customer_id, weight, in_flight) SELECT id, 2, 5 FROM customers
        ON CONFLICT (customer_id) DO UPDATE SET weight = excluded.weight
    """,
    """
        INSERT INTO admissions (generation_id, provider, pool, customer_id, model, vendor_model, place, held_by, lane,
                                priority, may_use_reserve, charge, turn, flow, flow_turn, work_seconds, granted_at,
                                create_id)
        SELECT id, 'kie', 'videos', customer_id, model, 'a model', 'held', 'pause', 0, 1, false, 10, 5, 'a key', 5,
               600, now(), 1
        FROM generations WHERE stage = 'submitting'
        ON CONFLICT (generation_id) DO UPDATE SET place = excluded.place
    """,
]

_AT_0022 = [
    """
        INSERT INTO route_health (provider, vendor_model, counted_at, reason, opened_at, retry_at, probe_id, probe_at,
                                  changed_at)
        SELECT 'kie', 'a model', now(), 'no answer', now(), now(), id, now(), now() FROM generations LIMIT 1
        ON CONFLICT (provider, vendor_model) DO UPDATE SET openings = 2
    """,
    """
        INSERT INTO route_changes (provider, vendor_model, state, reason, generation_id)
        SELECT 'kie', 'a model', 'open', 'no answer', id FROM generations LIMIT 1
    """,
    "UPDATE generations SET routes_given_up = 1",
]

_AT_0023 = [
    f"""
        INSERT INTO customer_limits (customer_id, in_flight, per_day, credits_per_day, on_limit)
        VALUES ({_CUSTOMER}, 5, 10, 100, 'wait')
        ON CONFLICT (customer_id) DO UPDATE SET
            per_day = excluded.per_day, credits_per_day = excluded.credits_per_day, on_limit = excluded.on_limit
    """,
    "UPDATE api_keys SET in_flight = 5, per_day = 10, on_limit = 'wait' WHERE id = md5('key')::uuid",
    "UPDATE key_spending SET orders = orders + 1",
    "UPDATE admissions SET key_id = md5('key')::uuid",
    f"""
        INSERT INTO quota_orders (generation_id, holder_id, key_id, credits, day)
        VALUES (md5('queued')::uuid, {_CUSTOMER}, NULL, 10, '2026-11-29'),
               (md5('queued')::uuid, md5('key')::uuid, md5('key')::uuid, 10, NULL)
    """,
]

_AT_0024 = [
    """
        INSERT INTO admission_changes (id, author, action, scope, name, reason, before, after)
        VALUES (gen_random_uuid(), 'key rw_Ab3dE', 'set', 'limits', 'kie', 'a test', '{}', '{"in_flight": 3}')
    """,
    "UPDATE admission_accounts SET limits_at = now(), counted_at = now()",
]

_AT_0025 = [
    "UPDATE generations SET remote_wait = 'queued', remote_ahead = 3 WHERE stage = 'generating'",
]

_AT_0026 = [
    """
        UPDATE generations SET traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
            last_span = 'b7ad6b7169203331'
        WHERE stage = 'generating'
    """,
]

_AT_0027 = [
    "UPDATE generation_labels SET reference = 'k123' WHERE generation_id = md5('queued')::uuid",
]

_AT_0028 = [
    "UPDATE quota_orders SET waits = day IS NULL",
    """
        INSERT INTO admission_corrections (provider, customer_id, flow, seconds, charge)
        SELECT 'kie', id, 'a key', 20, 10 FROM customers
    """,
    """
        INSERT INTO admission_families (provider, pool, closed_until, closed_reason, learned_in_flight,
                                        learned_in_flight_at, rate_factor_at)
        VALUES ('kie', 'videos', now(), 'too_many', 4, now(), now())
        ON CONFLICT (provider, pool) DO UPDATE SET rate_factor = 0.5
    """,
]

_AT_0029 = [
    "INSERT INTO drains (target, author, reason) VALUES ('@host', 'ops', 'a test') ON CONFLICT DO NOTHING",
    """
        INSERT INTO worker_processes (node, pid, in_hand, drained_at) VALUES ('provider@host', 7, 3, now())
        ON CONFLICT (node, pid) DO UPDATE SET seen_at = now()
    """,
    "INSERT INTO secret_keys (fingerprint) VALUES ('abcdefgh') ON CONFLICT DO NOTHING",
]

_AT_0030 = [
    """
        INSERT INTO studio_sessions (
            id, token_hash, key_id, is_development, ends_at, view_id, viewed_id, viewed, viewed_since
        )
        VALUES (md5('session')::uuid, 'a hash', md5('key')::uuid, false, now() + interval '30 days',
                gen_random_uuid(), gen_random_uuid(), '123', now())
        ON CONFLICT (token_hash) DO NOTHING
    """,
    "UPDATE studio_sessions SET used_at = now()",
    """
        INSERT INTO studio_views (id, author, customer_id, reason, view_id, request)
        SELECT md5('view')::uuid, 'key rw_12345', id, 'a ticket', md5('view')::uuid, 'GET /v1/generations'
        FROM customers
        ON CONFLICT (id) DO NOTHING
    """,
]

_AT_0031 = [
    """
        INSERT INTO continuations (preview_id, video_id) VALUES (md5('completed')::uuid, md5('queued')::uuid)
        ON CONFLICT (preview_id) DO NOTHING
    """,
]

_AT_0033 = [
    """
        INSERT INTO variants (generation_id, customer_id, position, name, kind, spec, wake_at)
        SELECT id, customer_id, 1, name, 'web', '{"kind": "web"}', now()
        FROM generations, unnest(ARRAY['pending', 'ready', 'failed']) AS name WHERE stage = 'completed'
        ON CONFLICT (generation_id, name) DO NOTHING
    """,
    """
        UPDATE variants
        SET lease_token = gen_random_uuid(), lease_until = clock_timestamp(), holder = 'media#1', attempt = attempt + 1,
            crashes = crashes + 1, failures = failures + 1
        WHERE state = 'pending'
    """,
    """
        UPDATE variants
        SET state = name, origin = 'encoded', wake_at = NULL, lease_token = NULL, lease_until = NULL,
            finished_at = clock_timestamp(), error_code = 'internal', error_message = 'a reason'
        WHERE name <> 'pending'
    """,
    """
        INSERT INTO variant_files (
            variant_id, generation_id, part, object_key, content_type, size_bytes, sha256, width, height,
            duration_seconds, frame_rate, codec
        )
        SELECT id, generation_id, 'media', 'variants/1.mp4', 'video/mp4', 1, 'a hash', 64, 64, 5.0, 24.0, 'h264'
        FROM variants WHERE name = 'ready'
        ON CONFLICT (object_key) DO NOTHING
    """,
    "UPDATE variant_files SET expired_at = clock_timestamp()",
]

_AT_0034 = ["UPDATE generations SET silent_since = now() WHERE stage = 'generating'"]

_AT_0035 = ["UPDATE variants SET claimed_at = clock_timestamp() WHERE state = 'pending'"]

_AT_0036 = [
    "INSERT INTO admission_costs (provider, model, duration, seconds, samples) VALUES ('kie', 'kling', '5', 60, 3)",
    "UPDATE admission_corrections SET model = 'kling', duration = '5', taken = 50, charged_at = now(), beside = 1",
    "UPDATE admission_shares SET since = now(), moved = 1",
    "UPDATE admissions SET charged_at = now(), beside = 1",
]

_AT_0038 = [
    """
        INSERT INTO runs_to_stop (generation_id, provider, model, remote_id, wake_at)
        SELECT id, 'local', 'ltx-video', id::text, now() FROM generations WHERE stage = 'failed'
        ON CONFLICT (provider, remote_id) DO NOTHING
    """,
    "UPDATE runs_to_stop SET tries = tries + 1, turn = turn + 1, wake_at = now()",
    "DELETE FROM runs_to_stop WHERE tries > 5",
]

_STATEMENTS = {
    "0001": _AT_0001,
    "0002": _AT_0002,
    "0003": _AT_0003,
    "0004": _AT_0004,
    "0005": _AT_0005,
    "0006": [],
    "0007": _AT_0007,
    "0008": _AT_0008,
    "0009": _AT_0009,
    "0010": [],
    "0011": _AT_0011,
    "0012": [],
    "0013": ["UPDATE ledger_transfers SET is_uncounted = true WHERE kind = 'hold'"],
    "0014": [],
    "0015": [],
    "0016": [],
    "0017": _AT_0017,
    "0018": _AT_0018,
    "0019": _AT_0019,
    "0020": _AT_0020,
    "0021": _AT_0021,
    "0022": _AT_0022,
    "0023": _AT_0023,
    "0024": _AT_0024,
    "0025": _AT_0025,
    "0026": _AT_0026,
    "0027": _AT_0027,
    "0028": _AT_0028,
    "0029": _AT_0029,
    "0030": _AT_0030,
    "0031": _AT_0031,
    "0032": [],
    "0033": _AT_0033,
    "0034": _AT_0034,
    "0035": _AT_0035,
    "0036": _AT_0036,
    "0037": ["UPDATE admission_creates SET granted_at = now()"],
    "0038": _AT_0038,
}

ACCEPTED = {
    # 0002. The release at 0001 captures a hold or releases it, whole in either case.
    "table ledger_transfers has the new rule uq_ledger_transfers_settlement",
    # 0007. The release at 0006 leaves these columns null, and inserts no account of the new kinds.
    "table api_keys has the new rule api_keys_service_id_fkey",
    "table api_keys has the new rule daily_cap_is_an_amount",
    "table api_keys has the new rule one_owner",
    "table customers has the new rule customers_service_id_fkey",
    "table customers has the new rule customers_service_id_reference_key",
    "table customers has the new rule customers_test_of_fkey",
    "table customers has the new rule customers_test_of_key",
    "table ledger_accounts has the new rule accountkind",
    # 0023. The release before leaves the limits of keys null, and no release before it is out that sets limits.
    "table api_keys has the new rule limits_are_amounts",
    "table customer_limits has the new rule limits_are_amounts",
    "table customer_limits has the new rule weight_is_positive",
}
"""What `schema.breaks` finds and the release before does not mind, each with the reason."""


def work_as(connection: Connection, revision: str) -> None:
    """Write what the release at a revision writes."""
    for known, statements in _STATEMENTS.items():
        if known <= revision:
            for statement in statements:
                connection.execute(text(statement))
