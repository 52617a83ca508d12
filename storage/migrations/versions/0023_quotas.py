"""Limits of customers and of API keys: generations at once and on one day, and credits of one day.

`quota_take` counts an order in the transaction that accepts the order. Where orders over a limit wait, the grant of a
place counts them. A trigger of `generations` gives back what an order took.

Locks have one order: the day of the key, the key, the day of the customer, the customer. A grant decides about many
customers and waits for none of these locks.

The previous release works on this schema: its orders do not count against the new limits.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TODAY = """
    CREATE OR REPLACE FUNCTION quota_today() RETURNS date LANGUAGE sql STABLE
    RETURN (now() AT TIME ZONE 'utc')::date
"""

# Takes from the limits for all generations of a request, or for none. Returns the limit that has no room, and how much
# of it is used.
_TAKE = """
    CREATE OR REPLACE FUNCTION quota_take(
        holder uuid, of_key uuid, ids uuid[], prices bigint[], most_in_flight bigint, most_orders bigint,
        most_credits bigint
    ) RETURNS TABLE (reached text, used bigint) LANGUAGE plpgsql AS $$
    DECLARE
        today date := quota_today();
        price bigint;
        begun key_spending;
        unfinished bigint;
    BEGIN
        SELECT sum(one) INTO price FROM unnest(prices) AS one;
        INSERT INTO key_spending (key_id, day, credits) VALUES (holder, today, 0) ON CONFLICT DO NOTHING;
        SELECT * INTO begun FROM key_spending WHERE key_id = holder AND day = today FOR UPDATE;
        IF most_in_flight IS NOT NULL THEN
            -- At midnight, two orders lock two days.
            IF of_key IS NULL THEN
                PERFORM FROM customer_limits WHERE customer_id = holder FOR NO KEY UPDATE;
            ELSE
                PERFORM FROM api_keys WHERE id = holder FOR NO KEY UPDATE;
            END IF;
            SELECT count(*) INTO unfinished FROM quota_orders WHERE holder_id = holder;
        END IF;
        IF unfinished + cardinality(ids) > most_in_flight THEN
            RETURN QUERY SELECT 'in_flight', unfinished;
        ELSIF begun.orders + cardinality(ids) > most_orders THEN
            RETURN QUERY SELECT 'per_day', begun.orders;
        ELSIF begun.credits + price > most_credits THEN
            RETURN QUERY SELECT 'credits_per_day', begun.credits;
        ELSE
            UPDATE key_spending SET orders = orders + cardinality(ids), credits = credits + price
            WHERE key_id = holder AND day = today;
            INSERT INTO quota_orders (generation_id, holder_id, key_id, credits, day)
            SELECT id, holder, of_key, credits, today FROM unnest(ids, prices) AS new (id, credits);
        END IF;
    END $$
"""

# The limits under which a generation may have to wait.
_WAITS = """
    CREATE OR REPLACE FUNCTION quota_waits(its_id uuid) RETURNS TABLE (
        holder_id uuid, key_id uuid, credits bigint, day date, in_flight integer, per_day integer,
        credits_per_day bigint
    ) LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT o.holder_id, o.key_id, o.credits, o.day, limits.in_flight, limits.per_day, limits.credits_per_day
        FROM quota_orders o JOIN customer_limits limits ON limits.customer_id = o.holder_id
        WHERE o.generation_id = its_id AND o.key_id IS NULL AND limits.on_limit = 'wait'
        UNION ALL
        SELECT o.holder_id, o.key_id, o.credits, o.day, key.in_flight, key.per_day, key.daily_cap
        FROM quota_orders o JOIN api_keys key ON key.id = o.key_id
        WHERE o.generation_id = its_id AND key.on_limit = 'wait';
    END
"""

# Whether a generation has to wait for a limit. Of two accounts that decide at the same time, the second one finds the
# limit locked and waits for its next decision.
_IS_FULL = """
    CREATE OR REPLACE FUNCTION admission_customer_is_full(one admissions) RETURNS boolean LANGUAGE plpgsql AS $$
    DECLARE
        part record;
        granted bigint;
        begun key_spending;
    BEGIN
        FOR part IN SELECT * FROM quota_waits(one.generation_id) LOOP
            IF part.key_id IS NULL THEN
                PERFORM FROM customer_limits WHERE customer_id = part.holder_id FOR NO KEY UPDATE SKIP LOCKED;
            ELSE
                PERFORM FROM api_keys WHERE id = part.holder_id FOR NO KEY UPDATE SKIP LOCKED;
            END IF;
            IF NOT FOUND THEN
                RETURN true;
            ELSIF part.key_id IS NULL THEN
                SELECT count(*) INTO granted FROM admissions WHERE place = 'granted' AND customer_id = part.holder_id;
            ELSE
                SELECT count(*) INTO granted FROM admissions a WHERE place = 'granted' AND a.key_id = part.holder_id;
            END IF;
            IF granted >= part.in_flight THEN
                RETURN true;
            END IF;
            CONTINUE WHEN part.day IS NOT NULL;
            SELECT * INTO begun FROM key_spending
            WHERE key_id = part.holder_id AND day = quota_today() FOR UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                begun.orders := 0;
                begun.credits := 0;
                IF EXISTS (SELECT FROM key_spending WHERE key_id = part.holder_id AND day = quota_today()) THEN
                    RETURN true;
                END IF;
            END IF;
            IF begun.orders + 1 > part.per_day OR begun.credits + part.credits > part.credits_per_day THEN
                RETURN true;
            END IF;
        END LOOP;
        RETURN false;
    END $$
"""

# A generation that gets a place counts on this day, once.
_START = """
    CREATE OR REPLACE FUNCTION quota_start() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        part record;
    BEGIN
        FOR part IN SELECT * FROM quota_waits(NEW.generation_id) WHERE day IS NULL LOOP
            INSERT INTO key_spending AS begun (key_id, day, credits, orders)
            VALUES (part.holder_id, quota_today(), part.credits, 1)
            ON CONFLICT (key_id, day) DO UPDATE SET
                credits = begun.credits + excluded.credits, orders = begun.orders + 1;
            UPDATE quota_orders SET day = quota_today()
            WHERE generation_id = NEW.generation_id AND holder_id = part.holder_id;
        END LOOP;
        RETURN NULL;
    END $$
"""

_START_TRIGGER = """
    CREATE OR REPLACE TRIGGER quota_start AFTER UPDATE OF place ON admissions FOR EACH ROW
    WHEN (NEW.place = 'granted') EXECUTE FUNCTION quota_start()
"""

_KEY = """
    CREATE OR REPLACE FUNCTION quota_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.key_id := (
            SELECT holder_id FROM quota_orders WHERE generation_id = NEW.generation_id AND key_id IS NOT NULL
        );
        RETURN NEW;
    END $$
"""

_KEY_TRIGGER = """
    CREATE OR REPLACE TRIGGER quota_key BEFORE INSERT ON admissions FOR EACH ROW EXECUTE FUNCTION quota_key()
"""

# The generations of a day stay counted. The credits come back if the hold was released.
_END = """
    CREATE OR REPLACE FUNCTION quota_end() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        part quota_orders;
    BEGIN
        FOR part IN SELECT * FROM quota_orders WHERE generation_id = NEW.id ORDER BY key_id IS NULL LOOP
            UPDATE key_spending SET credits = greatest(credits - part.credits, 0)
            WHERE key_id = part.holder_id AND day = part.day AND EXISTS (
                SELECT FROM ledger_transfers WHERE generation_id = NEW.id AND kind = 'release'
            );
        END LOOP;
        -- After a loop, FOUND says whether there was a row.
        IF FOUND THEN
            DELETE FROM quota_orders WHERE generation_id = NEW.id;
        END IF;
        RETURN NULL;
    END $$
"""

# Runs at the commit: the transaction settles the hold after the move.
_END_TRIGGER = """
    CREATE CONSTRAINT TRIGGER quota_end AFTER UPDATE ON generations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.wake_at IS NOT NULL AND NEW.wake_at IS NULL) EXECUTE FUNCTION quota_end()
"""

_WAS_FULL = """
    CREATE OR REPLACE FUNCTION admission_customer_is_full(one admissions) RETURNS boolean LANGUAGE sql
    RETURN EXISTS (
        SELECT FROM customer_limits WHERE customer_id = one.customer_id AND in_flight <= (
            SELECT count(*) FROM admissions WHERE customer_id = one.customer_id AND place = 'granted'
        )
    )
"""

_AMOUNTS = {
    "customer_limits": "in_flight >= 0 AND per_day >= 0 AND credits_per_day >= 0",
    "api_keys": "in_flight >= 0 AND per_day >= 0",
}


def _on_limit() -> sa.Column[str]:
    return sa.Column("on_limit", sa.String(64), server_default="reject", nullable=False)


def upgrade() -> None:
    op.create_table(
        "quota_orders",
        sa.Column("generation_id", sa.Uuid(), sa.ForeignKey("generations.id"), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid()),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date()),
        sa.PrimaryKeyConstraint("generation_id", "holder_id"),
    )
    op.create_index("ix_quota_orders_holder", "quota_orders", ["holder_id"])
    op.add_column("key_spending", sa.Column("orders", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("customer_limits", sa.Column("per_day", sa.Integer()))
    op.add_column("customer_limits", sa.Column("credits_per_day", sa.BigInteger()))
    op.add_column("customer_limits", _on_limit())
    op.create_check_constraint("weight_is_positive", "customer_limits", "weight > 0")
    op.add_column("api_keys", sa.Column("in_flight", sa.Integer()))
    op.add_column("api_keys", sa.Column("per_day", sa.Integer()))
    op.add_column("api_keys", _on_limit())
    for table, condition in _AMOUNTS.items():
        op.create_check_constraint("limits_are_amounts", table, condition)
    op.create_index("ix_api_keys_waiting", "api_keys", ["id"], postgresql_where=sa.text("on_limit = 'wait'"))
    op.add_column("admissions", sa.Column("key_id", sa.Uuid()))
    granted = sa.text("place = 'granted' AND key_id IS NOT NULL")
    op.create_index("ix_admissions_granted_key", "admissions", ["key_id"], postgresql_where=granted)
    for statement in (_TODAY, _TAKE, _WAITS, _IS_FULL, _START, _START_TRIGGER, _KEY, _KEY_TRIGGER, _END, _END_TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    op.execute(_WAS_FULL)
    op.execute("DROP TRIGGER quota_end ON generations")
    op.execute("DROP TRIGGER quota_key ON admissions")
    op.execute("DROP TRIGGER quota_start ON admissions")
    for name in ("end", "key", "start", "waits", "take", "today"):
        op.execute(f"DROP FUNCTION quota_{name}")
    op.drop_index("ix_admissions_granted_key", "admissions")
    op.drop_column("admissions", "key_id")
    op.drop_index("ix_api_keys_waiting", "api_keys")
    for table in _AMOUNTS:
        op.drop_constraint("limits_are_amounts", table)
    op.drop_constraint("weight_is_positive", "customer_limits")
    for table, columns in (
        ("api_keys", ("on_limit", "per_day", "in_flight")),
        ("customer_limits", ("on_limit", "credits_per_day", "per_day")),
        ("key_spending", ("orders",)),
    ):
        for column in columns:
            op.drop_column(table, column)
    op.drop_table("quota_orders")
