"""Routes: their health, and the circuit breaker that all processes share.

A route is an account and the vendor's name of a model. `route_health` has a row for each route that has ever failed: a
route that is well costs no statement. The functions decide; `storage/routes.py` calls them. `route_changes` has a row
for each change of a breaker.

The previous release works on this schema: it reports nothing, and goes the route of the order.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

_CHANGE = """
    CREATE OR REPLACE FUNCTION route_change(
        route route_health, its_state text, why text
    ) RETURNS void LANGUAGE sql AS $$
        DELETE FROM route_changes WHERE provider = route.provider AND vendor_model = route.vendor_model
            AND at < clock_timestamp() - interval '30 days';
        INSERT INTO route_changes (provider, vendor_model, state, reason, generation_id, at)
        VALUES (route.provider, route.vendor_model, its_state, why, route.probe_id, clock_timestamp());
    $$
"""

# The probe is out while a worker is at it, or about to be. A probe whose worker died is none.
_HAS_PROBE = """
    CREATE OR REPLACE FUNCTION route_has_probe(route route_health) RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (
        SELECT FROM generations WHERE id = route.probe_id AND stage IN ('queued', 'submitting') AND (
            lease_until > clock_timestamp()
            OR (stage = 'queued' AND route.probe_at > clock_timestamp() - interval '10 seconds')
        )
    )
"""

# Half-open: the pause is over, and the next create is the probe.
_TAKES_PROBE = """
    CREATE OR REPLACE FUNCTION route_takes_probe(route route_health) RETURNS boolean LANGUAGE sql STABLE
    RETURN route.retry_at <= clock_timestamp() AND NOT route_has_probe(route)
"""

# Whether a create may leave now. Makes the generation the probe of a half-open route.
_ADMITS = """
    CREATE OR REPLACE FUNCTION route_admits(
        of_provider text, of_vendor_model text, generation uuid
    ) RETURNS boolean LANGUAGE plpgsql AS $$
    DECLARE
        route route_health;
    BEGIN
        SELECT * INTO route FROM route_health
        WHERE provider = of_provider AND vendor_model = of_vendor_model AND opened_at IS NOT NULL FOR UPDATE;
        IF NOT FOUND OR (route.probe_id = generation AND route_has_probe(route)) THEN
            RETURN true;
        END IF;
        IF NOT route_takes_probe(route) THEN
            RETURN false;
        END IF;
        UPDATE route_health SET probe_id = generation, probe_at = clock_timestamp()
        WHERE provider = of_provider AND vendor_model = of_vendor_model RETURNING * INTO route;
        PERFORM route_change(route, 'half_open', NULL);
        RETURN true;
    END $$
"""

# Counts calls, and opens or closes the breaker. About the last twenty calls count, and none before a quiet minute. A
# breaker that is open heeds its probe alone.
_REPORT = """
    CREATE OR REPLACE FUNCTION route_report(
        of_provider text, of_vendor_model text, generation uuid, is_create boolean, more_answered integer,
        more_failed integer, why text, least_failures integer, first_pause float8, longest_pause float8
    ) RETURNS TABLE (is_open boolean, change text) LANGUAGE plpgsql AS $$
    DECLARE
        now timestamptz := clock_timestamp();
        route route_health;
        answered float8;
        failed float8;
        shrink float8;
    BEGIN
        INSERT INTO route_health (provider, vendor_model) VALUES (of_provider, of_vendor_model) ON CONFLICT DO NOTHING;
        SELECT * INTO route FROM route_health
        WHERE provider = of_provider AND vendor_model = of_vendor_model FOR UPDATE;
        IF route.opened_at IS NOT NULL AND (NOT is_create OR route.probe_id IS DISTINCT FROM generation) THEN
            RETURN QUERY SELECT true, NULL::text;
            RETURN;
        END IF;
        IF route.opened_at IS NOT NULL AND more_failed = 0 THEN
            UPDATE route_health SET
                opened_at = NULL, retry_at = NULL, probe_id = NULL, probe_at = NULL, reason = NULL, changed_at = now,
                creates_answered = 0, creates_failed = 0, reads_answered = 0, reads_failed = 0
            WHERE provider = of_provider AND vendor_model = of_vendor_model;
            PERFORM route_change(route, 'closed', NULL);
            RETURN QUERY SELECT false, 'closed';
            RETURN;
        END IF;
        IF route.opened_at IS NULL THEN
            IF route.counted_at < now - interval '1 minute' THEN
                route.creates_answered := 0; route.creates_failed := 0;
                route.reads_answered := 0; route.reads_failed := 0;
            END IF;
            answered := CASE WHEN is_create THEN route.creates_answered ELSE route.reads_answered END + more_answered;
            failed := CASE WHEN is_create THEN route.creates_failed ELSE route.reads_failed END + more_failed;
            shrink := 20 / greatest(20, answered + failed);
            answered := answered * shrink;
            failed := failed * shrink;
            UPDATE route_health SET
                counted_at = now, reason = coalesce(why, reason),
                creates_answered = CASE WHEN is_create THEN answered ELSE route.creates_answered END,
                creates_failed = CASE WHEN is_create THEN failed ELSE route.creates_failed END,
                reads_answered = CASE WHEN is_create THEN route.reads_answered ELSE answered END,
                reads_failed = CASE WHEN is_create THEN route.reads_failed ELSE failed END
            WHERE provider = of_provider AND vendor_model = of_vendor_model;
            IF more_failed = 0 OR failed < least_failures OR failed < answered THEN
                RETURN QUERY SELECT false, NULL::text;
                RETURN;
            END IF;
            -- A route that fails again soon waits longer than before.
            IF coalesce(route.changed_at < now - interval '1 minute', true) THEN
                route.openings := 0;
            END IF;
            route.changed_at := now;
        END IF;
        UPDATE route_health SET
            opened_at = coalesce(opened_at, now), changed_at = route.changed_at, reason = why,
            openings = route.openings + 1, probe_id = NULL, probe_at = NULL,
            retry_at = now + make_interval(secs => least(longest_pause, first_pause * 2 ^ least(route.openings, 30)))
        WHERE provider = of_provider AND vendor_model = of_vendor_model;
        PERFORM route_change(route, 'open', why);
        RETURN QUERY SELECT true, 'open';
    END $$
"""

# A release of held work must not make a generation the probe: the grant decides which generation goes.
_ROUTE_IS_OPEN = """
    CREATE OR REPLACE FUNCTION admission_route_is_open(one admissions) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        IF one.place = 'waiting' THEN
            RETURN NOT route_admits(one.provider, one.vendor_model, one.generation_id);
        END IF;
        RETURN EXISTS (
            SELECT FROM route_health route
            WHERE provider = one.provider AND vendor_model = one.vendor_model AND opened_at IS NOT NULL AND (
                NOT route_takes_probe(route)
                -- One of those that wait is going to be the probe.
                OR EXISTS (
                    SELECT FROM admissions
                    WHERE provider = one.provider AND vendor_model = one.vendor_model AND place = 'waiting'
                        AND lane <= one.lane
                )
            )
        );
    END $$
"""

_HELD_BY = """
    CREATE OR REPLACE FUNCTION admission_held_by(one admissions) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        RETURN CASE
            WHEN admission_is_paused(one) THEN 'pause'
            WHEN admission_customer_is_full(one) THEN 'customer'
            WHEN admission_route_is_open(one) THEN 'route'
        END;
    END $$
"""

_HELD_BY_BEFORE = """
    CREATE OR REPLACE FUNCTION admission_held_by(one admissions) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        RETURN CASE
            WHEN admission_is_paused(one) THEN 'pause'
            WHEN admission_customer_is_full(one) THEN 'customer'
        END;
    END $$
"""

_FUNCTIONS = (_CHANGE, _HAS_PROBE, _TAKES_PROBE, _ADMITS, _REPORT, _ROUTE_IS_OPEN, _HELD_BY)


def upgrade() -> None:
    op.create_table(
        "route_health",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("vendor_model", sa.Text(), nullable=False),
        sa.Column("creates_answered", sa.Float(), server_default="0", nullable=False),
        sa.Column("creates_failed", sa.Float(), server_default="0", nullable=False),
        sa.Column("reads_answered", sa.Float(), server_default="0", nullable=False),
        sa.Column("reads_failed", sa.Float(), server_default="0", nullable=False),
        sa.Column("counted_at", _MOMENT),
        sa.Column("reason", sa.Text()),
        sa.Column("opened_at", _MOMENT),
        sa.Column("retry_at", _MOMENT),
        sa.Column("openings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("probe_id", sa.Uuid()),
        sa.Column("probe_at", _MOMENT),
        sa.Column("changed_at", _MOMENT),
        sa.PrimaryKeyConstraint("provider", "vendor_model"),
        if_not_exists=True,
    )
    op.create_table(
        "route_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("vendor_model", sa.Text(), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("generation_id", sa.Uuid()),
        sa.Column("at", _MOMENT, server_default=sa.func.now(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_route_changes_route", "route_changes", ["provider", "vendor_model", "at"], if_not_exists=True)
    op.add_column(
        "generations",
        sa.Column("routes_given_up", sa.Integer(), server_default="0", nullable=False),
        if_not_exists=True,
    )
    for function in _FUNCTIONS:
        op.execute(function)


def downgrade() -> None:
    op.execute(_HELD_BY_BEFORE)
    for name in (
        "admission_route_is_open", "route_report", "route_admits", "route_takes_probe", "route_has_probe",
        "route_change",
    ):  # fmt: skip
        op.execute(f"DROP FUNCTION {name}")
    op.drop_column("generations", "routes_given_up")
    op.drop_table("route_changes")
    op.drop_table("route_health")
