"""Mends of admission: orders that wait, corrected shares, creates that leave late, and refusals of a family of models.

`quota_orders.waits` says whether an order waits at a limit. A later change of `on_limit` does not let it go.

`admission_corrections` has the difference between the expected and the real time of work that has ended. The next
decision about the account moves the customer's turns by the difference: a decision waits for no end of work, and the
end of work waits for no decision.

`admission_families` has what refusals taught about a family of models: where the limits name a number for the family
and none for the account, the vendor counts by family.

Locks have one order: the limits of the key, those of the customer, the ledger's accounts, the days. A change of limits
locks the limits, and then generations that wait. A decision locks generations, and skips limits that are locked.

The previous release works on this schema: its orders wait where their limits say so. A run that was cut short is
repeated: every step leaves out what is done.
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

# The limits under which a generation may have to wait.
_WAITS = """
    CREATE OR REPLACE FUNCTION quota_waits(its_id uuid) RETURNS TABLE (
        holder_id uuid, key_id uuid, credits bigint, day date, in_flight integer, per_day integer,
        credits_per_day bigint
    ) LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT o.holder_id, o.key_id, o.credits, o.day, limits.in_flight, limits.per_day, limits.credits_per_day
        FROM quota_orders o JOIN customer_limits limits ON limits.customer_id = o.holder_id
        WHERE o.generation_id = its_id AND o.key_id IS NULL AND o.waits
        UNION ALL
        SELECT o.holder_id, o.key_id, o.credits, o.day, key.in_flight, key.per_day, key.daily_cap
        FROM quota_orders o JOIN api_keys key ON key.id = o.key_id
        WHERE o.generation_id = its_id AND o.waits;
    END
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
        -- The limits before the day: who changes limits, and a decision, lock the limits and need no day before them.
        IF of_key IS NULL THEN
            PERFORM FROM customer_limits WHERE customer_id = holder FOR NO KEY UPDATE;
        ELSE
            PERFORM FROM api_keys WHERE id = holder FOR NO KEY UPDATE;
        END IF;
        SELECT sum(one) INTO price FROM unnest(prices) AS one;
        INSERT INTO key_spending (key_id, day, credits) VALUES (holder, today, 0) ON CONFLICT DO NOTHING;
        SELECT * INTO begun FROM key_spending WHERE key_id = holder AND day = today FOR UPDATE;
        IF most_in_flight IS NOT NULL THEN
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
            INSERT INTO quota_orders (generation_id, holder_id, key_id, credits, day, waits)
            SELECT id, holder, of_key, credits, today, false FROM unnest(ids, prices) AS new (id, credits);
        END IF;
    END $$
"""

# Whether a limit of the day lets a generation begin tomorrow, and not today.
_DAY_IS_FULL = """
    CREATE OR REPLACE FUNCTION quota_day_is_full(its_id uuid) RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (
        SELECT FROM quota_waits(its_id) AS part
        LEFT JOIN key_spending begun ON begun.key_id = part.holder_id AND begun.day = quota_today()
        WHERE part.day IS NULL AND (
            (part.per_day > 0 AND begun.orders + 1 > part.per_day)
            OR (part.credits <= part.credits_per_day AND begun.credits + part.credits > part.credits_per_day)
        )
    )
"""

# Work has ended at the vendor. Its time is compared with the time that the customer was charged for. Where nothing
# waits for the account, the shares do not matter, and nothing is written.
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
            INSERT INTO admission_corrections (provider, customer_id, flow, seconds, charge)
            VALUES (gone.provider, gone.customer_id, gone.flow, more, more / weight_of_customer);
        END IF;
    END $$
"""

# Moves the turns of customers and of their flows by the differences. Returns the virtual time: a customer who was
# charged too much goes back behind it, and who comes now must not stand behind that customer for the work of the past.
_CORRECT = """
    CREATE OR REPLACE FUNCTION admission_correct(
        of_provider text, virtual_time float8
    ) RETURNS float8 LANGUAGE plpgsql AS $$
    DECLARE
        part record;
        ticket record;
    BEGIN
        FOR part IN
            WITH due AS (
                DELETE FROM admission_corrections WHERE id IN (
                    SELECT id FROM admission_corrections WHERE provider = of_provider LIMIT 1000 FOR UPDATE SKIP LOCKED
                )
                RETURNING customer_id, flow, seconds, charge
            )
            SELECT customer_id, flow, sum(seconds) AS seconds, sum(charge) AS charge FROM due
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
                IF ticket.lane = 0 AND ticket.turn < virtual_time AND ticket.turn - part.charge >= virtual_time
                    AND EXISTS (
                        SELECT FROM admissions
                        WHERE provider = of_provider AND pool = ticket.pool AND lane = ticket.lane
                            AND customer_id = part.customer_id AND place = 'waiting'
                    )
                THEN
                    virtual_time := ticket.turn;
                END IF;
            END LOOP;
        END LOOP;
        RETURN virtual_time;
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
        stored := account.virtual_time;
        IF EXISTS (SELECT FROM admission_corrections WHERE provider = of_provider) THEN
            account.virtual_time := admission_correct(of_provider, stored);
        END IF;
        limits := admission_limits(account);
        room := admission_room(of_provider, NULL, limits, 0);
        room_beside_reserve := CASE coalesce((limits->>'reserve')::bigint, 0) WHEN 0 THEN room
            ELSE admission_room(of_provider, NULL, limits, (limits->>'reserve')::bigint)
        END;
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
            VALUES (of_provider, best.pool, 'infinity') RETURNING id INTO create_number;
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
        IF mine.place = 'granted' THEN
            DELETE FROM admission_creates WHERE id = mine.create_id;
        END IF;
        IF mine.provider = of_provider AND mine.vendor_model = its_vendor_model THEN
            -- The generation keeps its turn.
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

# The place is given back in the transaction of the move, whichever release makes the move. So is the place in the
# windows of a create that never left.
_FREE = """
    CREATE OR REPLACE FUNCTION admission_free() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        gone admissions;
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
            DELETE FROM admissions WHERE generation_id = NEW.id RETURNING * INTO gone;
            IF OLD.stage <> 'queued' AND gone.place = 'granted' AND gone.charge > 0 THEN
                PERFORM admission_note_time(gone, coalesce(
                    NEW.provider_seconds, extract(epoch FROM clock_timestamp() - CASE OLD.stage
                        WHEN 'generating' THEN coalesce(NEW.started_at, OLD.stage_at) ELSE OLD.stage_at
                    END)
                ));
            END IF;
        END IF;
        RETURN NULL;
    END $$
"""

# The limits in force: those of the operator, else the declared ones, and no more than the vendor was seen to take. From
# its first refusal for being too fast, an account without windows counts as one of 100 creates in 10 s. An account that
# was out of money gets one create in 10 s, until the vendor accepts one. A closed family takes nothing.
_LIMITS = """
    CREATE OR REPLACE FUNCTION admission_limits(account admission_accounts) RETURNS jsonb LANGUAGE plpgsql AS $$
    DECLARE
        limits jsonb := coalesce(account.override, account.declared);
        windows jsonb := coalesce(limits->'creates', '[]');
        learned bigint := admission_learned_in_flight(account);
        factor float8 := admission_rate_factor(account);
        part admission_families;
        family admission_accounts;
    BEGIN
        FOR part IN SELECT * FROM admission_families WHERE provider = account.provider LOOP
            CONTINUE WHEN limits->'families'->part.pool IS NULL;
            -- The row of a family has the same columns: the same rules hold for its limits.
            family := jsonb_populate_record(NULL::admission_accounts, to_jsonb(part) - 'provider');
            family.declared := limits->'families'->part.pool;
            limits := jsonb_set(limits, ARRAY['families', part.pool], admission_limits(family) || CASE
                WHEN family.closed_until > clock_timestamp() THEN '{"in_flight": 0}' ELSE '{}'
            END::jsonb);
        END LOOP;
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

# The refusal of a create closes the account for all processes, and lowers its limits; or those of a family of models,
# where the vendor counts by family. One burst of creates counts once: a refusal for being too fast that comes meanwhile
# lowers nothing. `pause` is our own wait, `asked` is the vendor's. If the vendor works on as many as it takes, an end
# makes room, and no pause is needed. If we have none there, somebody else uses the account. Work that the vendor has
# and does not begin counts as refused. An account has money again when the vendor accepts a create, not before.
_REFUSED = """
    CREATE OR REPLACE FUNCTION admission_refused(
        of_provider text, refused uuid, why text, pause float8, asked float8
    ) RETURNS TABLE (is_news boolean, closed_seconds float8, places bigint, factor float8) LANGUAGE plpgsql AS $$
    DECLARE
        account admission_accounts;
        at timestamptz;
        is_closed boolean;
        lasts boolean;
        limits jsonb;
        of_pool text;
        family jsonb;
        is_of_family boolean;
    BEGIN
        INSERT INTO admission_accounts (provider) VALUES (of_provider) ON CONFLICT DO NOTHING;
        SELECT * INTO account FROM admission_accounts WHERE provider = of_provider FOR UPDATE;
        limits := coalesce(account.override, account.declared);
        SELECT pool INTO of_pool FROM admissions WHERE generation_id = refused AND provider = of_provider;
        family := limits->'families'->of_pool;
        is_of_family := coalesce(CASE why
            WHEN 'too_many' THEN family->>'in_flight' IS NOT NULL AND limits->>'in_flight' IS NULL
            WHEN 'too_fast' THEN jsonb_array_length(family->'creates') > 0
                AND jsonb_array_length(coalesce(limits->'creates', '[]')) = 0
        END, false);
        IF is_of_family THEN
            INSERT INTO admission_families (provider, pool) VALUES (of_provider, of_pool) ON CONFLICT DO NOTHING;
            account := jsonb_populate_record(account, (
                SELECT to_jsonb(its) FROM admission_families its WHERE its.provider = of_provider AND its.pool = of_pool
            ));
        END IF;
        at := clock_timestamp();
        is_closed := coalesce(account.closed_until > at, false);
        closed_seconds := greatest(pause, asked);
        IF why = 'too_many' THEN
            SELECT count(*) INTO places FROM admissions JOIN generations ON id = generation_id
            WHERE admissions.provider = of_provider AND place = 'granted' AND id <> refused
                AND (NOT is_of_family OR pool = of_pool)
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
        account.closed_until := greatest(account.closed_until, at + make_interval(secs => closed_seconds));
        IF is_of_family THEN
            UPDATE admission_families SET
                closed_until = account.closed_until, closed_reason = account.closed_reason,
                learned_in_flight = account.learned_in_flight, learned_in_flight_at = account.learned_in_flight_at,
                rate_factor = account.rate_factor, rate_factor_at = account.rate_factor_at
            WHERE provider = of_provider AND pool = of_pool;
        ELSE
            UPDATE admission_accounts SET
                closed_until = account.closed_until, closed_reason = account.closed_reason,
                learned_in_flight = account.learned_in_flight, learned_in_flight_at = account.learned_in_flight_at,
                rate_factor = account.rate_factor, rate_factor_at = account.rate_factor_at
            WHERE provider = of_provider;
        END IF;
        factor := account.rate_factor;
        RETURN NEXT;
    END $$
"""

# The same functions as they were before.
_RELEASED = {
    "0021_admission": ("_GRANT", "_ASK", "_FREE", "_LIMITS"),
    "0023_quotas": ("_WAITS", "_TAKE"),
    "0025_refusals": ("_REFUSED",),
}

# Orders of the previous release wait where their limits say so. A grant locks many of these rows in its own order, so a
# slice waits for no locked row.
_MARK = """
    WITH slice AS MATERIALIZED (
        SELECT generation_id, holder_id FROM quota_orders o
        WHERE waits AND NOT EXISTS (
            SELECT FROM customer_limits WHERE o.key_id IS NULL AND customer_id = o.holder_id AND on_limit = 'wait'
            UNION ALL
            SELECT FROM api_keys WHERE id = o.key_id AND on_limit = 'wait'
        )
        LIMIT :most FOR NO KEY UPDATE {locked}
    )
    UPDATE quota_orders o SET waits = false FROM slice
    WHERE o.generation_id = slice.generation_id AND o.holder_id = slice.holder_id
"""

_SLICE = 1_000

_INDEXES: tuple[tuple[str, str, list[str | sa.TextClause], str], ...] = (
    ("ix_quota_orders_waiting", "quota_orders", ["holder_id"], "waits AND day IS NULL"),
    (
        "ix_admissions_moves",
        "admissions",
        ["provider", "vendor_model", "customer_id", sa.text("priority DESC"), "flow_turn"],
        "place = 'waiting' OR (place = 'held' AND held_by = 'route')",
    ),
)


def upgrade() -> None:
    # A worker locks admissions, and then quota_orders. So no step keeps the lock of one table and waits for another.
    with op.get_context().autocommit_block():
        waits: sa.Column[bool] = sa.Column("waits", sa.Boolean(), server_default=sa.true(), nullable=False)
        op.add_column("quota_orders", waits, if_not_exists=True)
        # Before the rows are marked, so that no order falls between: the builds wait for each call of the old function.
        op.execute(_TAKE)
        for name, table, columns, where in _INDEXES:
            # A build that was cut short leaves an index that is not valid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.create_index(name, table, columns, postgresql_where=sa.text(where), postgresql_concurrently=True)
        _mark("SKIP LOCKED", _SLICE)
        # One row at a time waits without a lock that another transaction needs.
        _mark("", 1)
    _create_tables()
    for function in (_WAITS, _DAY_IS_FULL, _NOTE_TIME, _CORRECT, _GRANT, _ASK, _FREE, _LIMITS, _REFUSED):
        op.execute(function)


def _mark(locked: str, most: int) -> None:
    """Mark the orders that do not wait, so many at once, until none is left."""
    statement = sa.text(_MARK.format(locked=locked))
    while op.get_bind().execute(statement, {"most": most}).rowcount:
        pass


def _create_tables() -> None:
    op.create_table(
        "admission_corrections",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("charge", sa.Float(), nullable=False),
    )
    op.create_index("ix_admission_corrections_account", "admission_corrections", ["provider"])
    op.create_table(
        "admission_families",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("closed_until", _MOMENT),
        sa.Column("closed_reason", sa.String(64)),
        sa.Column("learned_in_flight", sa.Float()),
        sa.Column("learned_in_flight_at", _MOMENT),
        sa.Column("rate_factor", sa.Float(), server_default="1", nullable=False),
        sa.Column("rate_factor_at", _MOMENT),
        sa.PrimaryKeyConstraint("provider", "pool"),
    )


def downgrade() -> None:
    for module, names in _RELEASED.items():
        released = import_module(f"storage.migrations.versions.{module}")
        for name in names:
            op.execute(getattr(released, name))
    for name in ("admission_correct", "admission_note_time", "quota_day_is_full"):
        op.execute(f"DROP FUNCTION {name}")
    op.drop_index("ix_admissions_moves", "admissions")
    op.drop_table("admission_families")
    op.drop_table("admission_corrections")
    op.drop_index("ix_quota_orders_waiting", "quota_orders")
    op.drop_column("quota_orders", "waits")
