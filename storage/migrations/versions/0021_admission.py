"""Admission: which queued generation may go to which provider account, and when.

The tables hold who waits, who has a place, and how much each customer got. The functions decide. Each of them is called
as one statement, so the lock on the account's row lasts as long as the server works on the decision, whatever happens
to the process that asked. `storage/admission.py` calls them.

Start-time fair queueing: a customer with waiting work has a ticket in each pool and lane, with a `turn`. The least turn
is next. The priority and the flow name that customer's next generation, and its charge moves the customer's tickets
on: what a generation takes counts when it goes, whichever of the customer's generations it is. A place is a granted
row. A trigger of `generations` gives the place back in the transaction that learns the end at the provider.

The previous release works on this schema: it asks for no place.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# The functions that statements run for each generation are PL/pgSQL: PostgreSQL keeps their plans.

_MOMENT = sa.DateTime(timezone=True)
_WAITS = "place = 'waiting'"

# The part of the configured rate that is in force. A refusal for being too fast halves the part. Then the part grows,
# and faster the longer no refusal comes: it doubles within two minutes.
_RATE_FACTOR = """
    CREATE OR REPLACE FUNCTION admission_rate_factor(account admission_accounts) RETURNS float8 LANGUAGE sql AS $$
        SELECT least(1, account.rate_factor
            * power(1 + extract(epoch FROM clock_timestamp() - account.rate_factor_at)::float8 / 300, 2))
    $$
"""

# The places that the vendor took when it last refused one for being too many, and some more for each minute since then:
# 1 after one minute, 4 after two, 100 after ten. NULL: the vendor refused none within the last hour.
_LEARNED_IN_FLIGHT = """
    CREATE OR REPLACE FUNCTION admission_learned_in_flight(account admission_accounts) RETURNS bigint LANGUAGE sql AS $$
        SELECT CASE WHEN account.learned_in_flight_at > clock_timestamp() - interval '1 hour' THEN floor(
            account.learned_in_flight
            + power(extract(epoch FROM clock_timestamp() - account.learned_in_flight_at)::float8 / 60, 2)
        )::bigint END
    $$
"""

# The limits in force: those of the operator, else the declared ones, and no more than the vendor was seen to take. From
# its first refusal for being too fast, an account without windows counts as one of 100 creates in 10 s. An account that
# was out of money gets one create in 10 s, until the vendor accepts one.
_LIMITS = """
    CREATE OR REPLACE FUNCTION admission_limits(account admission_accounts) RETURNS jsonb LANGUAGE plpgsql AS $$
    DECLARE
        limits jsonb := coalesce(account.override, account.declared);
        windows jsonb := coalesce(limits->'creates', '[]');
        learned bigint := admission_learned_in_flight(account);
        factor float8 := admission_rate_factor(account);
    BEGIN
        IF learned IS NOT NULL THEN
            limits := limits || jsonb_build_object('in_flight', least((limits->>'in_flight')::bigint, learned));
        END IF;
        IF factor < 1 THEN
            IF windows = '[]' THEN
                windows := '[{"most": 100, "seconds": 10}]';
            END IF;
            SELECT jsonb_agg(
                each || jsonb_build_object('most', greatest(1, floor((each->>'most')::bigint * factor)))
            ) INTO windows FROM jsonb_array_elements(windows) AS each;
        END IF;
        IF account.closed_reason IN ('no_money', 'daily') THEN
            windows := windows || '[{"most": 1, "seconds": 10}]';
        END IF;
        RETURN limits || jsonb_build_object('creates', windows);
    END $$
"""

# A create counts from the moment at which it leaves, and until then from its grant on. The window is a little longer
# than the vendor's: one create takes longer to the vendor than another.
_ROOM = """
    CREATE OR REPLACE FUNCTION admission_room(
        of_provider text, of_pool text, limits jsonb, kept_back bigint
    ) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE
        room bigint;
        left_in_window bigint;
        rate jsonb;
    BEGIN
        IF limits->>'in_flight' IS NOT NULL THEN
            SELECT (limits->>'in_flight')::bigint - kept_back - count(*) INTO room FROM admissions
            WHERE provider = of_provider AND place = 'granted' AND (of_pool IS NULL OR pool = of_pool);
        END IF;
        FOR rate IN SELECT * FROM jsonb_array_elements(coalesce(limits->'creates', '[]')) LOOP
            SELECT (rate->>'most')::bigint - count(*) INTO left_in_window FROM admission_creates
            WHERE provider = of_provider AND (of_pool IS NULL OR pool = of_pool) AND at > clock_timestamp()
                - make_interval(secs => (rate->>'seconds')::float8 + least(1, 0.1 + (rate->>'seconds')::float8 * 0.01));
            room := least(room, left_in_window);
        END LOOP;
        RETURN room;
    END $$
"""

# The next ticket of each pool that has room, and of these the one with the least turn. A ticket may outlast the work.
_NEXT = """
    CREATE OR REPLACE FUNCTION admission_next(
        of_provider text, limits jsonb, only_reserve boolean, skipped uuid[]
    ) RETURNS admission_tickets LANGUAGE plpgsql AS $$
    DECLARE
        of_pool text;
        head admission_tickets;
        chosen admission_tickets;
    BEGIN
        LOOP
            SELECT pool INTO of_pool FROM admission_tickets
            WHERE provider = of_provider AND (of_pool IS NULL OR pool > of_pool) ORDER BY pool LIMIT 1;
            EXIT WHEN NOT FOUND;
            CONTINUE WHEN of_pool <> ''
                AND admission_room(of_provider, of_pool, coalesce(limits->'families'->of_pool, '{}'), 0) <= 0;
            IF only_reserve THEN
                SELECT * INTO head FROM admission_tickets ticket
                WHERE provider = of_provider AND pool = of_pool AND customer_id <> ALL(skipped) AND EXISTS (
                    SELECT FROM admissions WHERE provider = of_provider AND pool = of_pool AND place = 'waiting'
                        AND may_use_reserve AND lane = ticket.lane AND customer_id = ticket.customer_id
                )
                ORDER BY lane, turn LIMIT 1;
            ELSE
                SELECT * INTO head FROM admission_tickets
                WHERE provider = of_provider AND pool = of_pool AND customer_id <> ALL(skipped)
                ORDER BY lane, turn LIMIT 1;
            END IF;
            IF FOUND AND (chosen.provider IS NULL OR (head.lane, head.turn) < (chosen.lane, chosen.turn)) THEN
                chosen := head;
            END IF;
        END LOOP;
        RETURN chosen;
    END $$
"""

# Work of a customer waits from now on. Callers have locked the row of the account. A customer who waits already keeps
# the turn. Another one gets the present turn, or a later one for what went lately.
_QUEUE = """
    CREATE OR REPLACE FUNCTION admission_queue(
        one admissions, is_backlogged boolean
    ) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO admission_tickets (provider, pool, lane, customer_id, turn)
        SELECT one.provider, one.pool, one.lane, one.customer_id, greatest(virtual_time, granted)
        FROM admission_accounts LEFT JOIN admission_shares shares
            ON shares.provider = one.provider AND shares.customer_id = one.customer_id AND flow = ''
        WHERE admission_accounts.provider = one.provider
        ON CONFLICT (provider, customer_id, pool, lane) DO UPDATE SET turn = excluded.turn
        WHERE NOT is_backlogged AND admission_tickets.turn < excluded.turn;
    END $$
"""

# Why a generation may not go now. NULL: nothing holds it.
_PAUSED = """
    CREATE OR REPLACE FUNCTION admission_is_paused(one admissions) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        RETURN EXISTS (
            SELECT FROM admission_pauses WHERE (scope, name) IN (
                ('model', one.model), ('provider', one.provider), ('customer', one.customer_id::text),
                ('route', one.provider || '/' || one.vendor_model)
            )
        );
    END $$
"""

_CUSTOMER_IS_FULL = """
    CREATE OR REPLACE FUNCTION admission_customer_is_full(one admissions) RETURNS boolean LANGUAGE sql
    RETURN EXISTS (
        SELECT FROM customer_limits WHERE customer_id = one.customer_id AND in_flight <= (
            SELECT count(*) FROM admissions WHERE customer_id = one.customer_id AND place = 'granted'
        )
    )
"""

_HELD_BY = """
    CREATE OR REPLACE FUNCTION admission_held_by(one admissions) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        RETURN CASE
            WHEN admission_is_paused(one) THEN 'pause'
            WHEN admission_customer_is_full(one) THEN 'customer'
        END;
    END $$
"""

# The decision. Returns the generations that may go now. Those of other workers need a wake-up. The decision waits for
# no other transaction: a row that another one has locked is left to the next decision.
_GRANT = """
    CREATE OR REPLACE FUNCTION admission_grant(
        of_provider text, most integer, wake_in float8, own uuid
    ) RETURNS TABLE (granted uuid, its_attempt integer, waited_seconds float8) LANGUAGE plpgsql AS $$
    DECLARE
        account admission_accounts;
        limits jsonb;
        room bigint;
        room_beside_reserve bigint;
        ticket admission_tickets;
        best admissions;
        held text;
        create_number bigint;
        charge float8;
        grants integer := 0;
        looks integer := 0;
        skipped uuid[] := '{}';
    BEGIN
        SELECT * INTO account FROM admission_accounts WHERE provider = of_provider FOR UPDATE;
        IF account.closed_until > clock_timestamp() THEN
            RETURN;
        END IF;
        limits := admission_limits(account);
        room := admission_room(of_provider, NULL, limits, 0);
        room_beside_reserve := admission_room(of_provider, NULL, limits, coalesce((limits->>'reserve')::bigint, 0));
        WHILE grants < most AND looks < 200 AND coalesce(room > 0, true) LOOP
            looks := looks + 1;
            ticket := admission_next(of_provider, limits, coalesce(room_beside_reserve <= 0, false), skipped);
            EXIT WHEN ticket.provider IS NULL;
            -- The ticket names the customer. Which generation goes is the customer's own order.
            SELECT * INTO best FROM admissions
            WHERE provider = of_provider AND pool = ticket.pool AND lane = ticket.lane AND place = 'waiting'
                AND customer_id = ticket.customer_id
                AND (may_use_reserve OR coalesce(room_beside_reserve > 0, true))
            ORDER BY priority DESC, flow_turn, asked_at LIMIT 1 FOR UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                DELETE FROM admission_tickets
                WHERE provider = of_provider AND customer_id = ticket.customer_id AND pool = ticket.pool
                    AND lane = ticket.lane AND NOT EXISTS (
                        SELECT FROM admissions
                        WHERE provider = of_provider AND pool = ticket.pool AND lane = ticket.lane
                            AND customer_id = ticket.customer_id AND place = 'waiting'
                    );
                IF NOT FOUND THEN
                    skipped := skipped || ticket.customer_id;
                END IF;
                CONTINUE;
            END IF;
            held := admission_held_by(best);
            IF held IS NOT NULL THEN
                -- The same holds the customer's other work of the flow, or of the model.
                UPDATE admissions SET place = 'held', held_by = held WHERE generation_id IN (
                    SELECT generation_id FROM admissions
                    WHERE provider = of_provider AND customer_id = best.customer_id AND place = 'waiting'
                        AND CASE held
                            WHEN 'customer' THEN flow = best.flow
                            ELSE model = best.model AND vendor_model = best.vendor_model
                        END
                    LIMIT 1000 FOR UPDATE SKIP LOCKED
                );
                CONTINUE;
            END IF;
            SELECT attempt INTO its_attempt FROM generations
            WHERE id = best.generation_id AND stage = 'queued'
                AND (lease_until IS NULL OR lease_until < clock_timestamp() OR id = own)
            FOR NO KEY UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                UPDATE admissions SET place = 'held', held_by = 'busy' WHERE generation_id = best.generation_id;
                CONTINUE;
            END IF;
            -- A generation is charged once, however often it gets a place at the account.
            charge := CASE WHEN best.granted_at IS NULL THEN best.charge ELSE 0 END;
            UPDATE admission_tickets SET turn = greatest(turn, ticket.turn + charge)
            WHERE provider = of_provider AND customer_id = best.customer_id;
            IF best.turn > ticket.turn THEN
                -- The first of the customer's work that stays waits as long as the generation that goes would have.
                UPDATE admissions SET turn = best.turn WHERE generation_id = (
                    SELECT generation_id FROM admissions
                    WHERE provider = of_provider AND pool = best.pool AND lane = best.lane AND place = 'waiting'
                        AND customer_id = best.customer_id
                    ORDER BY turn LIMIT 1 FOR UPDATE SKIP LOCKED
                ) AND turn < best.turn;
            END IF;
            INSERT INTO admission_creates (provider, pool, at)
            VALUES (of_provider, best.pool, clock_timestamp() + interval '1 minute') RETURNING id INTO create_number;
            UPDATE admissions SET place = 'granted', held_by = NULL, granted_at = clock_timestamp(), turn = ticket.turn,
                create_id = create_number
            WHERE generation_id = best.generation_id;
            UPDATE admission_shares SET
                granted = greatest(admission_shares.granted, ticket.turn + charge),
                flow_time = greatest(flow_time, best.flow_turn)
            WHERE provider = of_provider AND customer_id = best.customer_id AND flow = '';
            waited_seconds := extract(epoch FROM clock_timestamp() - best.asked_at);
            IF best.generation_id <> coalesce(own, gen_random_uuid()) OR waited_seconds > 1 THEN
                UPDATE generations SET
                    wake_at = CASE
                        WHEN id = own THEN wake_at ELSE clock_timestamp() + make_interval(secs => wake_in)
                    END,
                    deadline_at = coalesce(
                        clock_timestamp() + make_interval(secs => best.work_seconds), deadline_at
                    )
                WHERE id = best.generation_id;
            END IF;
            account.virtual_time := greatest(account.virtual_time, ticket.turn);
            room := room - 1;
            room_beside_reserve := room_beside_reserve - 1;
            grants := grants + 1;
            granted := best.generation_id;
            RETURN NEXT;
        END LOOP;
        IF grants > 0 THEN
            UPDATE admission_accounts SET virtual_time = account.virtual_time WHERE provider = of_provider;
        END IF;
    END $$
"""

# A worker with a claim asks for a place. If the generation has to wait, the claim ends in the same transaction: a grant
# that comes a moment later finds a row without a lease. A place that was granted long ago is asked for again: its
# create does not count in the windows any more.
_ASK = """
    CREATE OR REPLACE FUNCTION admission_ask(
        asks uuid, its_token uuid, of_provider text, of_pool text, its_model text, its_vendor_model text,
        its_lane integer, its_priority integer, its_reserve boolean, its_cost float8, its_flow text,
        its_work_seconds float8, wake_at_latest timestamptz, longest_wait float8, most integer, wake_in float8
    ) RETURNS TABLE (granted uuid, its_attempt integer, waited_seconds float8) LANGUAGE plpgsql AS $$
    DECLARE
        its_customer uuid;
        account admission_accounts;
        mine admissions;
        whole admission_shares;
        part admission_shares;
        its_charge float8;
        is_backlogged boolean;
        its_turn float8;
        its_flow_turn float8;
        waits_until timestamptz;
    BEGIN
        SELECT customer_id INTO its_customer FROM generations
        WHERE id = asks AND lease_token = its_token AND stage = 'queued' FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE 'the lease is lost' USING ERRCODE = 'RW001';
        END IF;
        INSERT INTO admission_accounts (provider) VALUES (of_provider) ON CONFLICT DO NOTHING;
        SELECT * INTO account FROM admission_accounts WHERE provider = of_provider FOR UPDATE;
        SELECT * INTO mine FROM admissions WHERE generation_id = asks;
        IF FOUND AND mine.provider = of_provider AND mine.place = 'granted'
            AND mine.granted_at > clock_timestamp() - interval '50 seconds' THEN
            RETURN QUERY SELECT asks, 0, 0::float8;
            RETURN;
        END IF;
        is_backlogged := EXISTS (
            SELECT FROM admissions WHERE provider = of_provider AND customer_id = its_customer
                AND place IN ('waiting', 'held')
        );
        IF mine.provider = of_provider AND mine.vendor_model = its_vendor_model THEN
            -- The generation keeps its turn.
            DELETE FROM admission_creates WHERE id = mine.create_id AND mine.place = 'granted';
            UPDATE admissions SET
                place = 'waiting', held_by = NULL, pool = of_pool, work_seconds = its_work_seconds
            WHERE generation_id = asks;
        ELSE
            SELECT its_cost / coalesce(min(weight), 1) INTO its_charge
            FROM customer_limits WHERE customer_id = its_customer;
            SELECT * INTO whole FROM admission_shares
            WHERE provider = of_provider AND customer_id = its_customer AND flow = '';
            SELECT * INTO part FROM admission_shares
            WHERE provider = of_provider AND customer_id = its_customer AND flow = its_flow;
            -- What was asked for and then cancelled is not charged, once nothing waits.
            its_turn := greatest(account.virtual_time, CASE WHEN is_backlogged THEN whole.asked ELSE whole.granted END);
            its_flow_turn := greatest(whole.flow_time, CASE WHEN is_backlogged THEN part.asked END, 0);
            INSERT INTO admission_shares (provider, customer_id, flow, asked, granted)
            VALUES
                (of_provider, its_customer, '', its_turn + its_charge, 0),
                (of_provider, its_customer, its_flow, its_flow_turn + its_cost, 0)
            ON CONFLICT (provider, customer_id, flow) DO UPDATE SET asked = excluded.asked, used_at = clock_timestamp();
            INSERT INTO admissions (
                generation_id, provider, pool, customer_id, model, vendor_model, place, lane, priority,
                may_use_reserve, charge, turn, flow, flow_turn, work_seconds, asked_at
            ) VALUES (
                asks, of_provider, of_pool, its_customer, its_model, its_vendor_model, 'waiting', its_lane,
                its_priority, its_reserve, its_charge, its_turn, its_flow, its_flow_turn, its_work_seconds,
                clock_timestamp()
            )
            ON CONFLICT (generation_id) DO UPDATE SET
                provider = excluded.provider, pool = excluded.pool, vendor_model = excluded.vendor_model,
                place = 'waiting', held_by = NULL, charge = excluded.charge, turn = excluded.turn,
                flow_turn = excluded.flow_turn, granted_at = NULL;
        END IF;
        PERFORM admission_queue(admissions, is_backlogged) FROM admissions WHERE generation_id = asks;
        RETURN QUERY SELECT * FROM admission_grant(of_provider, most, wake_in, asks);
        SELECT * INTO mine FROM admissions WHERE generation_id = asks;
        IF mine.place = 'granted' THEN
            RETURN;
        END IF;
        IF its_work_seconds IS NOT NULL THEN
            -- From the first ask: a generation whose creates are refused again and again waits no longer than others.
            waits_until := mine.asked_at + make_interval(secs => longest_wait);
        END IF;
        UPDATE generations SET
            lease_token = NULL, lease_until = NULL, crashes = 0,
            deadline_at = coalesce(waits_until, deadline_at),
            wake_at = least(wake_at_latest, coalesce(waits_until, deadline_at))
        WHERE id = asks;
    END $$
"""

# Generations whose reason to be held is gone come back into the queue, a few of each customer, model and flow. An
# account whose row is locked is left to the next call: this one locks several, in any order.
_RELEASE_HELD = """
    CREATE OR REPLACE FUNCTION admission_release_held(
        most integer, low_waits float8
    ) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        one admissions;
        account admission_accounts;
        queues bigint;
        blocked admissions;
        misses integer := 0;
        ends_at timestamptz := clock_timestamp() + interval '1 second';
    BEGIN
        -- Low priority does not wait for ever.
        FOR one IN
            SELECT * FROM admissions
            WHERE place = 'waiting' AND lane = 1 AND asked_at < clock_timestamp() - make_interval(secs => low_waits)
            ORDER BY asked_at LIMIT most FOR UPDATE SKIP LOCKED
        LOOP
            SELECT * INTO account FROM admission_accounts WHERE provider = one.provider FOR UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND;
            UPDATE admissions SET lane = 0, turn = greatest(turn, account.virtual_time)
            WHERE generation_id = one.generation_id AND place = 'waiting' RETURNING * INTO one;
            PERFORM admission_queue(one, false) WHERE one.generation_id IS NOT NULL;
        END LOOP;
        -- Before all others. With an OR in its place, each search would read every row that is held.
        one.held_by := '';
        one.provider := '';
        one.customer_id := '00000000-0000-0000-0000-000000000000';
        one.vendor_model := '';
        one.flow := '';
        LOOP
            SELECT * INTO one FROM admissions
            WHERE place = 'held' AND (held_by, provider, customer_id, vendor_model, flow)
                > (one.held_by, one.provider, one.customer_id, one.vendor_model, one.flow)
            ORDER BY held_by, provider, customer_id, vendor_model, flow, priority DESC, flow_turn LIMIT 1;
            EXIT WHEN NOT FOUND OR clock_timestamp() > ends_at;
            IF admission_held_by(one) IS NOT NULL THEN
                -- Each batch is a flow. Of thousands that are held together, a few are looked at, from another one on
                -- each time.
                misses := CASE
                    WHEN (one.held_by, one.provider, one.customer_id, one.vendor_model)
                        = (blocked.held_by, blocked.provider, blocked.customer_id, blocked.vendor_model)
                    THEN misses + 1 ELSE 1
                END;
                blocked := one;
                IF misses = 10 THEN
                    one.flow := greatest(one.flow, gen_random_uuid()::text);
                ELSIF misses >= 20 THEN
                    one.flow := 'zzzz';
                END IF;
                CONTINUE;
            END IF;
            SELECT * INTO account FROM admission_accounts WHERE provider = one.provider FOR UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND;
            WITH released AS (
                UPDATE admissions SET
                    place = 'waiting', held_by = NULL, turn = greatest(turn, account.virtual_time)
                WHERE generation_id IN (
                    SELECT generation_id FROM admissions
                    WHERE place = 'held' AND held_by = one.held_by AND provider = one.provider
                        AND customer_id = one.customer_id AND vendor_model = one.vendor_model AND flow = one.flow
                    ORDER BY priority DESC, flow_turn LIMIT most FOR UPDATE SKIP LOCKED
                )
                RETURNING *
            ), queues AS (SELECT DISTINCT ON (pool, lane) released::admissions AS first FROM released)
            SELECT count(admission_queue(first, false)) INTO queues FROM queues;
        END LOOP;
    END $$
"""

# The place is given back in the transaction of the move, whichever release makes the move. So is the place in the
# windows of a create that never left.
_FREE = """
    CREATE OR REPLACE FUNCTION admission_free() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.stage = 'submitting' THEN
            UPDATE admission_creates SET at = clock_timestamp()
            WHERE id = (SELECT create_id FROM admissions WHERE generation_id = NEW.id);
            RETURN NULL;
        END IF;
        IF OLD.stage = 'queued' THEN
            DELETE FROM admission_creates
            WHERE id = (SELECT create_id FROM admissions WHERE generation_id = NEW.id AND place = 'granted');
        END IF;
        IF NEW.stage = 'queued' THEN
            UPDATE admissions SET place = 'idle' WHERE generation_id = NEW.id AND place = 'granted';
        ELSE
            DELETE FROM admissions WHERE generation_id = NEW.id;
        END IF;
        RETURN NULL;
    END $$
"""

_FREE_TRIGGER = """
    CREATE OR REPLACE TRIGGER admission_free AFTER UPDATE ON generations FOR EACH ROW
    WHEN (OLD.stage IN ('queued', 'submitting', 'generating') AND (
        (OLD.stage = 'queued' AND NEW.stage = 'submitting')
        OR NEW.stage NOT IN ('queued', 'submitting', 'generating')
        OR (NEW.stage = 'queued' AND (
            OLD.stage <> 'queued' OR (OLD.lease_token IS NOT NULL AND NEW.lease_token IS NULL)
        ))
    ))
    EXECUTE FUNCTION admission_free()
"""

_FUNCTIONS = (
    _RATE_FACTOR, _LEARNED_IN_FLIGHT, _LIMITS, _ROOM, _NEXT, _QUEUE, _PAUSED, _CUSTOMER_IS_FULL, _HELD_BY, _GRANT,
    _ASK, _RELEASE_HELD, _FREE,
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "admission_accounts",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("declared", JSONB, server_default="{}", nullable=False),
        sa.Column("override", JSONB),
        sa.Column("closed_until", _MOMENT),
        sa.Column("closed_reason", sa.String(64)),
        sa.Column("virtual_time", sa.Float(), server_default="0", nullable=False),
        sa.Column("learned_in_flight", sa.Float()),
        sa.Column("learned_in_flight_at", _MOMENT),
        sa.Column("rate_factor", sa.Float(), server_default="1", nullable=False),
        sa.Column("rate_factor_at", _MOMENT),
        if_not_exists=True,
    )
    op.create_table(
        "admission_tickets",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("turn", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "customer_id", "pool", "lane"),
        if_not_exists=True,
    )
    op.create_index(
        "ix_admission_tickets_next", "admission_tickets", ["provider", "pool", "lane", "turn"], if_not_exists=True
    )
    op.create_table(
        "admission_shares",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("asked", sa.Float(), nullable=False),
        sa.Column("granted", sa.Float(), nullable=False),
        sa.Column("flow_time", sa.Float(), server_default="0", nullable=False),
        sa.Column("used_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "customer_id", "flow"),
        if_not_exists=True,
    )
    op.create_index("ix_admission_shares_used", "admission_shares", ["used_at"], if_not_exists=True)
    op.create_table(
        "admission_creates",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.func.now(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_admission_creates_account", "admission_creates", ["provider", "at"], if_not_exists=True)
    op.create_index("ix_admission_creates_pool", "admission_creates", ["provider", "pool", "at"], if_not_exists=True)
    op.create_table(
        "admission_pauses",
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("paused_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name"),
        if_not_exists=True,
    )
    op.create_table(
        "customer_limits",
        sa.Column("customer_id", sa.Uuid(), sa.ForeignKey("customers.id"), primary_key=True),
        sa.Column("weight", sa.Float(), server_default="1", nullable=False),
        sa.Column("in_flight", sa.Integer()),
        if_not_exists=True,
    )
    op.create_table(
        "admissions",
        sa.Column("generation_id", sa.Uuid(), sa.ForeignKey("generations.id"), primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("pool", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("vendor_model", sa.Text(), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("held_by", sa.String(64)),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("may_use_reserve", sa.Boolean(), nullable=False),
        sa.Column("charge", sa.Float(), nullable=False),
        sa.Column("turn", sa.Float(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("flow_turn", sa.Float(), nullable=False),
        sa.Column("work_seconds", sa.Float()),
        sa.Column("asked_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("granted_at", _MOMENT),
        sa.Column("create_id", sa.BigInteger()),
        if_not_exists=True,
    )
    waits = sa.text(_WAITS)
    queue: list[Any] = ["provider", "pool", "lane", "turn"]
    own: list[Any] = ["provider", "pool", "lane", "customer_id", sa.text("priority DESC"), "flow_turn", "asked_at"]
    held_parts = ["held_by", "provider", "customer_id", "vendor_model", "flow"]
    held: list[Any] = [*held_parts, sa.text("priority DESC"), "flow_turn"]
    for name, columns, where in (
        ("waiting", queue, waits),
        ("reserve", ["provider", "pool", "lane", "customer_id"], sa.text(f"{_WAITS} AND may_use_reserve")),
        ("of_customer", own, waits),
        ("queued_of_customer", ["customer_id", "provider"], sa.text("place IN ('waiting', 'held')")),
        ("low", ["asked_at"], sa.text(f"{_WAITS} AND lane = 1")),
        ("granted", ["provider", "pool"], sa.text("place = 'granted'")),
        ("granted_customer", ["customer_id"], sa.text("place = 'granted'")),
        ("held", held, sa.text("place = 'held'")),
    ):
        op.create_index(f"ix_admissions_{name}", "admissions", columns, postgresql_where=where, if_not_exists=True)
    for function in _FUNCTIONS:
        op.execute(function)
    op.execute(_FREE_TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER admission_free ON generations")
    for name in (
        "free",
        "release_held",
        "ask",
        "grant",
        "held_by",
        "customer_is_full",
        "is_paused",
        "queue",
        "next",
        "room",
        "limits",
        "learned_in_flight",
        "rate_factor",
    ):
        op.execute(f"DROP FUNCTION admission_{name}")
    for table in (
        "admissions", "customer_limits", "admission_pauses", "admission_creates", "admission_shares",
        "admission_tickets", "admission_accounts",
    ):  # fmt: skip
        op.drop_table(table)
