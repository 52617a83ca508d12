"""Refusals: what a vendor's refusal of a create says about its account. And the place in the vendor's own queue.

The previous release works on this schema: it learns nothing from refusals.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# The refusal of a create closes the account for all processes, and lowers its limits. One burst of creates counts once:
# a refusal for being too fast that comes while the account is closed lowers nothing. `pause` is our own wait, `asked`
# is the vendor's. If the vendor works on as many as it takes, an end makes room, and no pause is needed. If we have
# none there, somebody else uses the account. Work that the vendor has and does not begin counts as refused. An account
# has money again when the vendor accepts a create, not before.
_REFUSED = """
    CREATE OR REPLACE FUNCTION admission_refused(
        of_provider text, refused uuid, why text, pause float8, asked float8
    ) RETURNS TABLE (is_news boolean, closed_seconds float8, places bigint, factor float8) LANGUAGE plpgsql AS $$
    DECLARE
        account admission_accounts;
        at timestamptz;
        is_closed boolean;
        lasts boolean;
    BEGIN
        INSERT INTO admission_accounts (provider) VALUES (of_provider) ON CONFLICT DO NOTHING;
        SELECT * INTO account FROM admission_accounts WHERE provider = of_provider FOR UPDATE;
        at := clock_timestamp();
        is_closed := coalesce(account.closed_until > at, false);
        closed_seconds := greatest(pause, asked);
        IF why = 'too_many' THEN
            SELECT count(*) INTO places FROM admissions JOIN generations ON id = generation_id
            WHERE admissions.provider = of_provider AND place = 'granted' AND id <> refused
                AND remote_wait IS DISTINCT FROM 'throttled';
            IF places > 0 THEN
                closed_seconds := coalesce(asked, 0);
            END IF;
            account.learned_in_flight := greatest(1, places);
            account.learned_in_flight_at := at;
        ELSIF why = 'too_fast' AND NOT is_closed THEN
            account.rate_factor := greatest(0.01, admission_rate_factor(account) / 2);
            account.rate_factor_at := at;
        END IF;
        lasts := why IN ('no_money', 'daily');
        is_news := CASE WHEN lasts THEN account.closed_reason IS DISTINCT FROM why ELSE NOT is_closed END;
        IF lasts OR (closed_seconds > 0 AND coalesce(account.closed_reason NOT IN ('no_money', 'daily'), true)) THEN
            account.closed_reason := why;
        END IF;
        UPDATE admission_accounts SET
            closed_until = greatest(closed_until, at + make_interval(secs => closed_seconds)),
            closed_reason = account.closed_reason,
            learned_in_flight = account.learned_in_flight,
            learned_in_flight_at = account.learned_in_flight_at,
            rate_factor = account.rate_factor,
            rate_factor_at = account.rate_factor_at
        WHERE provider = of_provider;
        factor := account.rate_factor;
        RETURN NEXT;
    END $$
"""


def upgrade() -> None:
    op.add_column("generations", sa.Column("remote_wait", sa.String(64)), if_not_exists=True)
    op.add_column("generations", sa.Column("remote_ahead", sa.Integer()), if_not_exists=True)
    op.execute(_REFUSED)


def downgrade() -> None:
    op.execute("DROP FUNCTION admission_refused")
    op.drop_column("generations", "remote_ahead")
    op.drop_column("generations", "remote_wait")
