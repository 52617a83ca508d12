"""The operator's changes of limits and pauses, the times of changes of limits, and the place of a waiting generation.

The previous release works on this schema: it knows nothing of the new table.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_TIMES = ("limits_at", "counted_at")

# The turn with which a waiting generation goes: its place among the customer's own work names one of the customer's
# tickets. Behind a thousand others of its customer, its own ticket is near enough.
_TICKET = """
    CREATE OR REPLACE FUNCTION admission_ticket(one admissions) RETURNS float8 LANGUAGE plpgsql STABLE AS $$
    DECLARE
        before bigint;
        found float8;
    BEGIN
        SELECT count(*) INTO before FROM (
            (
                SELECT FROM admissions
                WHERE provider = one.provider AND pool = one.pool AND lane = one.lane AND place = 'waiting'
                    AND customer_id = one.customer_id AND priority > one.priority
                LIMIT 1000
            )
            UNION ALL
            (
                SELECT FROM admissions
                WHERE provider = one.provider AND pool = one.pool AND lane = one.lane AND place = 'waiting'
                    AND customer_id = one.customer_id AND priority = one.priority
                    AND (flow_turn, asked_at) < (one.flow_turn, one.asked_at)
                LIMIT 1000
            )
        ) AS own;
        IF before < 1000 THEN
            SELECT turn INTO found FROM (
                SELECT turn FROM admissions
                WHERE provider = one.provider AND pool = one.pool AND lane = one.lane AND place = 'waiting'
                    AND customer_id = one.customer_id
                ORDER BY priority DESC, flow_turn, asked_at LIMIT 1000
            ) AS own
            ORDER BY turn OFFSET before LIMIT 1;
        END IF;
        RETURN coalesce(found, one.turn);
    END $$
"""

# The tickets that go before a turn: in the pool, and at the account. So many are read of each pool. If there are more,
# their number follows from the turns of those that were read.
_AHEAD = """
    CREATE OR REPLACE FUNCTION admission_ahead(
        of_provider text, of_pool text, of_lane integer, of_turn float8, most integer,
        OUT in_pool bigint, OUT at_account bigint
    ) LANGUAGE plpgsql STABLE AS $$
    DECLARE
        next_pool text;
        number bigint;
        least_turn float8;
        last_turn float8;
    BEGIN
        in_pool := 0;
        at_account := 0;
        LOOP
            SELECT pool INTO next_pool FROM admissions
            WHERE provider = of_provider AND place = 'waiting' AND (next_pool IS NULL OR pool > next_pool)
            ORDER BY pool LIMIT 1;
            EXIT WHEN NOT FOUND;
            SELECT count(*), min(turn), max(turn) INTO number, least_turn, last_turn FROM (
                SELECT turn FROM admissions
                WHERE provider = of_provider AND pool = next_pool AND place = 'waiting'
                    AND (lane, turn) < (of_lane, of_turn)
                ORDER BY lane, turn LIMIT most
            ) AS before;
            IF number = most AND last_turn > least_turn AND of_turn > last_turn THEN
                number := number * (of_turn - least_turn) / (last_turn - least_turn);
            END IF;
            at_account := at_account + number;
            IF next_pool = of_pool THEN
                in_pool := number;
            END IF;
        END LOOP;
    END $$
"""

# The turn that an order of a customer would get now.
_NEXT_TURN = """
    CREATE OR REPLACE FUNCTION admission_next_turn(
        of_provider text, of_customer uuid
    ) RETURNS float8 LANGUAGE sql STABLE AS $$
        SELECT greatest(
            (SELECT virtual_time FROM admission_accounts WHERE provider = of_provider),
            (
                SELECT CASE WHEN EXISTS (
                    SELECT FROM admissions
                    WHERE provider = of_provider AND customer_id = of_customer AND place IN ('waiting', 'held')
                ) THEN asked ELSE granted END
                FROM admission_shares WHERE provider = of_provider AND customer_id = of_customer AND flow = ''
            ),
            0
        )
    $$
"""


def upgrade() -> None:
    op.create_table(
        "admission_changes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("before", JSONB),
        sa.Column("after", JSONB),
        if_not_exists=True,
    )
    op.create_index("ix_admission_changes_newest", "admission_changes", ["created_at", "id"], if_not_exists=True)
    for name in _TIMES:
        op.add_column("admission_accounts", sa.Column(name, _MOMENT), if_not_exists=True)
    for function in (_TICKET, _AHEAD, _NEXT_TURN):
        op.execute(function)


def downgrade() -> None:
    for name in ("ticket", "ahead", "next_turn"):
        op.execute(f"DROP FUNCTION admission_{name}")
    for name in _TIMES:
        op.drop_column("admission_accounts", name)
    op.drop_table("admission_changes")
