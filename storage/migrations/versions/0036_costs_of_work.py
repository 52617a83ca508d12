"""What work takes at an account, as its ends taught: the charge of a grant.

The ask fixed the charge. The ask of a model without a history expects 30 s. A thousand orders that ask at once keep
that charge while they wait, and the work may take 10 s. Customers who come between then wait for seconds that no work
uses.

`admission_costs` has the expected time of the asks, until work ends that a vendor has done: the ends teach the real
time, with `admission_corrections`. A grant is charged by this time and by the customer's present weight.

A wrong charge also moves the virtual time, and so the turn of each customer who comes after the grant. The correction
moves them back: `admission_shares.since` says when a customer came, and `admissions.beside` how many waited at the
grant.

The previous release works on this schema: its asks and grants are calls of these functions.
"""

from importlib import import_module
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

# The ordered length of a video. Empty: an image, or a model without a choice.
_DURATION = """
    CREATE OR REPLACE FUNCTION admission_duration(its_order jsonb) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN coalesce(its_order->'inputs'->>'duration_seconds', '')
"""

# The charge of a generation that goes now.
_CHARGE = """
    CREATE OR REPLACE FUNCTION admission_charge(one admissions) RETURNS float8 LANGUAGE sql STABLE
    RETURN coalesce(
        (
            SELECT cost.seconds FROM generations JOIN admission_costs cost
                ON cost.provider = one.provider AND cost.model = one.model
                AND cost.duration = admission_duration("order")
            WHERE id = one.generation_id
        ) / coalesce((SELECT weight FROM customer_limits WHERE customer_id = one.customer_id), 1),
        one.charge
    )
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
        IF FOUND AND (NOT is_backlogged OR NOT EXISTS (
            SELECT FROM admission_tickets
            WHERE provider = one.provider AND customer_id = one.customer_id AND (pool, lane) <> (one.pool, one.lane)
        )) THEN
            UPDATE admission_shares SET since = clock_timestamp(), moved = 0 FROM admission_accounts
            WHERE admission_accounts.provider = one.provider AND admission_shares.provider = one.provider
                AND customer_id = one.customer_id AND flow = '' AND granted <= virtual_time;
        END IF;
    END $$
"""

# Work has ended at the vendor. Its time is compared with the time that the customer was charged for. Where nothing
# waits for the account, the shares do not matter, and nothing is written. Only work that is done tells what such work
# takes: refused work ends at once.
_NOTE_TIME = """
    CREATE OR REPLACE FUNCTION admission_note_time(
        gone admissions, taken float8
    ) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        weight_of_customer float8;
        more float8;
    BEGIN
        IF NOT EXISTS (SELECT FROM admissions WHERE provider = gone.provider AND place = 'waiting') THEN
            RETURN;
        END IF;
        SELECT coalesce(min(weight), 1) INTO weight_of_customer
        FROM customer_limits WHERE customer_id = gone.customer_id;
        more := taken - gone.charge * weight_of_customer;
        IF abs(more) > 0.1 * gone.charge * weight_of_customer THEN
            INSERT INTO admission_corrections (
                provider, customer_id, flow, seconds, charge, model, duration, taken, charged_at, beside
            )
            SELECT gone.provider, gone.customer_id, gone.flow, more, more / weight_of_customer, gone.model,
                admission_duration("order"), CASE stage WHEN 'downloading' THEN taken END,
                gone.charged_at, gone.beside
            FROM generations WHERE id = gone.generation_id;
        END IF;
    END $$
"""

# Learns what work takes: the average of the first ends, later about that of the last ten. Then moves the turns of the
# customers and of their flows by the differences, and returns the virtual time.
#
# A charge moves the virtual time by its part: all who wait share. A customer who came after the grant began there. So a
# correction moves that customer by the same part. Where others waited at the grant, the sum of these moves never leads
# forward: the customer would stand behind those who were charged right.
#
# The virtual time goes forward with a customer who waited alone. It is not beyond a customer who goes back: who comes
# next does not wait for work of the past.
_CORRECT = """
    CREATE OR REPLACE FUNCTION admission_correct(
        of_provider text, virtual_time float8
    ) RETURNS float8 LANGUAGE plpgsql AS $$
    DECLARE
        due admission_corrections[];
        least_turn float8 := 'Infinity';
        part record;
        ticket record;
    BEGIN
        WITH gone AS (
            DELETE FROM admission_corrections WHERE id IN (
                SELECT id FROM admission_corrections WHERE provider = of_provider LIMIT 1000 FOR UPDATE SKIP LOCKED
            )
            RETURNING *
        )
        SELECT array_agg(gone::admission_corrections) INTO due FROM gone;
        INSERT INTO admission_costs AS known (provider, model, duration, seconds, samples)
        SELECT of_provider, model, duration, avg(greatest(taken, 0.1)), count(*) FROM unnest(due)
        WHERE taken IS NOT NULL GROUP BY model, duration
        ON CONFLICT (provider, model, duration) DO UPDATE SET
            seconds = known.seconds + (excluded.seconds - known.seconds) * greatest(
                excluded.samples::float8 / (known.samples + excluded.samples), 1 - 0.9 ^ excluded.samples
            ),
            samples = known.samples + excluded.samples;
        FOR part IN
            SELECT customer_id, flow, sum(seconds) AS seconds, sum(charge) AS charge FROM unnest(due)
            GROUP BY customer_id, flow
        LOOP
            UPDATE admission_shares SET
                asked = asked + CASE flow WHEN '' THEN part.charge ELSE part.seconds END,
                granted = granted + CASE flow WHEN '' THEN part.charge ELSE 0 END
            WHERE provider = of_provider AND customer_id = part.customer_id AND flow IN ('', part.flow);
            FOR ticket IN
                UPDATE admission_tickets SET turn = turn + part.charge
                WHERE provider = of_provider AND customer_id = part.customer_id RETURNING pool, lane, turn
            LOOP
                IF ticket.lane = 0 AND ticket.turn < least_turn AND ticket.turn - part.charge >= virtual_time
                    AND EXISTS (
                        SELECT FROM admissions
                        WHERE provider = of_provider AND pool = ticket.pool AND lane = ticket.lane
                            AND customer_id = part.customer_id AND place = 'waiting'
                    )
                THEN
                    least_turn := ticket.turn;
                END IF;
            END LOOP;
        END LOOP;
        -- Who is idle begins at the virtual time again.
        WITH parts AS (
            SELECT shares.customer_id, moved,
                coalesce(sum(one.charge) FILTER (WHERE one.beside = 1), 0) AS alone,
                coalesce(sum(one.charge / one.beside) FILTER (WHERE one.beside > 1), 0) AS beside
            FROM admission_shares shares JOIN unnest(due) AS one
                ON one.charged_at < since AND one.beside IS NOT NULL AND one.customer_id <> shares.customer_id
            WHERE shares.provider = of_provider AND shares.flow = ''
                AND since > (SELECT min(charged_at) FROM unnest(due) WHERE beside IS NOT NULL)
                AND (granted > virtual_time OR EXISTS (
                    SELECT FROM admission_tickets
                    WHERE provider = of_provider AND admission_tickets.customer_id = shares.customer_id
                ))
            GROUP BY shares.customer_id, moved
        ), moves AS (
            SELECT customer_id, moved + beside AS moved,
                alone + least(0, moved + beside) - least(0, moved) AS charge
            FROM parts
        ), shares AS (
            UPDATE admission_shares s SET
                moved = moves.moved, asked = asked + charge, granted = granted + charge
            FROM moves WHERE provider = of_provider AND s.customer_id = moves.customer_id AND flow = ''
        )
        UPDATE admission_tickets SET turn = turn + charge FROM moves
        WHERE provider = of_provider AND admission_tickets.customer_id = moves.customer_id AND charge <> 0;
        RETURN least(least_turn, virtual_time + (
            SELECT greatest(0, sum(charge) FILTER (WHERE beside = 1)) FROM unnest(due)
        ));
    END $$
"""

# The decision. Returns the generations that may go now. Those of other workers need a wake-up. A generation or a limit
# that another transaction has locked is left to the next decision. The decision waits for the rows of the account, of a
# route that has failed, and of the day of a key or customer, which other transactions lock after all that a decision
# locks. A create that has not left counts in every window, however late it leaves.
#
# PostgreSQL keeps the plans of the statements. A plan that was made while a table was small would read a queue row by
# row once it is long, so the decision and the ask use indexes always.
_GRANT = """
    CREATE OR REPLACE FUNCTION admission_grant(
        of_provider text, most integer, wake_in float8, own uuid
    ) RETURNS TABLE (granted uuid, its_attempt integer, waited_seconds float8) LANGUAGE plpgsql
    SET enable_seqscan = off AS $$
    DECLARE
        account admission_accounts;
        stored float8;
        limits jsonb;
        room bigint;
        room_beside_reserve bigint;
        customers bigint;
        ticket admission_tickets;
        best admissions;
        held text;
        create_number bigint;
        its_charge float8;
        grants integer := 0;
        looks integer := 0;
        skipped uuid[] := '{}';
    BEGIN
        SELECT * INTO account FROM admission_accounts WHERE provider = of_provider FOR UPDATE;
        IF account.closed_until > clock_timestamp() THEN
            RETURN;
        END IF;
        stored := account.virtual_time;
        IF EXISTS (SELECT FROM admission_corrections WHERE provider = of_provider) THEN
            account.virtual_time := admission_correct(of_provider, stored);
        END IF;
        limits := admission_limits(account);
        room := admission_room(of_provider, NULL, limits, 0);
        room_beside_reserve := CASE coalesce((limits->>'reserve')::bigint, 0) WHEN 0 THEN room
            ELSE admission_room(of_provider, NULL, limits, (limits->>'reserve')::bigint)
        END;
        -- A part of a hundredth moves the virtual time little: the count ends there.
        SELECT CASE WHEN count(*) < 100 THEN greatest(1, count(DISTINCT customer_id) FILTER (WHERE lane = 0)) END
        INTO customers FROM (
            SELECT customer_id, lane FROM admission_tickets WHERE provider = of_provider LIMIT 100
        ) AS seen;
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
            IF best.granted_at IS NULL THEN
                best.charge := admission_charge(best);
                its_charge := best.charge;
            ELSE
                its_charge := 0;
            END IF;
            UPDATE admission_tickets SET turn = greatest(turn, ticket.turn + its_charge)
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
            VALUES (of_provider, best.pool, 'infinity') RETURNING id INTO create_number;
            UPDATE admissions SET place = 'granted', held_by = NULL, granted_at = clock_timestamp(), turn = ticket.turn,
                charge = best.charge, create_id = create_number,
                charged_at = CASE WHEN best.granted_at IS NULL THEN clock_timestamp() ELSE charged_at END,
                beside = CASE WHEN best.granted_at IS NULL THEN customers ELSE beside END
            WHERE generation_id = best.generation_id;
            UPDATE admission_shares SET
                granted = greatest(admission_shares.granted, ticket.turn + its_charge),
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
            EXIT WHEN NOT EXISTS (SELECT FROM admissions WHERE provider = of_provider AND place = 'waiting');
        END LOOP;
        IF account.virtual_time <> stored THEN
            UPDATE admission_accounts SET virtual_time = account.virtual_time WHERE provider = of_provider;
        END IF;
    END $$
"""

# A worker with a claim asks for a place. If the generation has to wait, the claim ends in the same transaction: a grant
# that comes a moment later finds a row without a lease. A place that was granted long ago is asked for again: the
# account may be closed by now.
_ASK = """
    CREATE OR REPLACE FUNCTION admission_ask(
        asks uuid, its_token uuid, of_provider text, of_pool text, its_model text, its_vendor_model text,
        its_lane integer, its_priority integer, its_reserve boolean, its_cost float8, its_flow text,
        its_work_seconds float8, wake_at_latest timestamptz, longest_wait float8, most integer, wake_in float8
    ) RETURNS TABLE (granted uuid, its_attempt integer, waited_seconds float8) LANGUAGE plpgsql
    SET enable_seqscan = off AS $$
    DECLARE
        its_customer uuid;
        its_duration text;
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
        SELECT customer_id, admission_duration("order") INTO its_customer, its_duration FROM generations
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
        IF mine.place = 'granted' THEN
            DELETE FROM admission_creates WHERE id = mine.create_id;
        END IF;
        IF mine.provider = of_provider AND mine.vendor_model = its_vendor_model THEN
            -- The generation keeps its turn.
            UPDATE admissions SET
                place = 'waiting', held_by = NULL, pool = of_pool, work_seconds = its_work_seconds
            WHERE generation_id = asks;
        ELSE
            INSERT INTO admission_costs (provider, model, duration, seconds)
            VALUES (of_provider, its_model, its_duration, its_cost)
            ON CONFLICT (provider, model, duration) DO UPDATE SET seconds = excluded.seconds
            WHERE admission_costs.samples = 0 AND admission_costs.seconds <> excluded.seconds;
            SELECT seconds INTO its_cost FROM admission_costs
            WHERE provider = of_provider AND model = its_model AND duration = its_duration;
            SELECT its_cost / coalesce(min(weight), 1) INTO its_charge
            FROM customer_limits WHERE customer_id = its_customer;
            SELECT * INTO whole FROM admission_shares
            WHERE provider = of_provider AND customer_id = its_customer AND flow = '';
            SELECT * INTO part FROM admission_shares
            WHERE provider = of_provider AND customer_id = its_customer AND flow = its_flow;
            -- A customer without waiting work starts behind the grants. Asks that were cancelled do not count.
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

# The same functions as they were before.
_RELEASED = {"0021_admission": ("_QUEUE",), "0028_rest_of_admission": ("_NOTE_TIME", "_CORRECT", "_GRANT", "_ASK")}

_COLUMNS: dict[str, dict[str, sa.types.TypeEngine[Any]]] = {
    "admissions": {"charged_at": _MOMENT, "beside": sa.BigInteger()},
    "admission_shares": {"since": _MOMENT},
    "admission_corrections": {
        "model": sa.Text(),
        "duration": sa.Text(),
        "taken": sa.Float(),
        "charged_at": _MOMENT,
        "beside": sa.BigInteger(),
    },
}


def upgrade() -> None:
    op.create_table(
        "admission_costs",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("duration", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("samples", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("provider", "model", "duration"),
        if_not_exists=True,
    )
    # A decision locks these tables in its own order. So no step keeps the lock of one table and waits for another.
    with op.get_context().autocommit_block():
        for table, columns in _COLUMNS.items():
            for name, kind in columns.items():
                op.add_column(table, sa.Column(name, kind), if_not_exists=True)
        moved: sa.Column[float] = sa.Column("moved", sa.Float(), server_default="0", nullable=False)
        op.add_column("admission_shares", moved, if_not_exists=True)
        # A build that was cut short leaves an index that is not valid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_admission_shares_since")
        op.create_index(
            "ix_admission_shares_since", "admission_shares", ["provider", "since"],
            postgresql_where=sa.text("flow = ''"), postgresql_concurrently=True,
        )  # fmt: skip
    for function in (_DURATION, _CHARGE, _QUEUE, _NOTE_TIME, _CORRECT, _GRANT, _ASK):
        op.execute(function)


def downgrade() -> None:
    for module, names in _RELEASED.items():
        released = import_module(f"storage.migrations.versions.{module}")
        for name in names:
            op.execute(getattr(released, name))
    op.execute("DROP FUNCTION admission_charge")
    op.execute("DROP FUNCTION admission_duration")
    op.drop_index("ix_admission_shares_since", "admission_shares")
    op.drop_column("admission_shares", "moved")
    for table, columns in _COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)
    op.drop_table("admission_costs")
