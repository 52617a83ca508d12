"""Fills a window of creates in several steps, while more work waits than it takes.

Twenty creates that leave at once make room at once ten seconds later, again and again. A customer who comes between
waits for up to ten seconds, however little the customer orders.

The previous release works on this schema: its grants are calls of this function.
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# The free places of an account, or of a family of models. NULL: there is no limit.
#
# A create counts from the moment at which it leaves, and until then from its grant on. The window is a little longer
# than the vendor's: one create takes longer to the vendor than another.
#
# If more work waits than the window has room for, a fifth of the window at most is granted within a tenth of it. A
# window of less than 5 s is no long wait. A window of more than a minute would stay half empty for long at first. Work
# of a family without room does not count: it cannot take the room.
_ROOM = """
    CREATE OR REPLACE FUNCTION admission_room(
        of_provider text, of_pool text, limits jsonb, kept_back bigint
    ) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE
        room bigint;
        left_in_window bigint;
        in_tenth bigint;
        full_pools text[];
        rate record;
    BEGIN
        IF limits->>'in_flight' IS NOT NULL THEN
            SELECT (limits->>'in_flight')::bigint - kept_back - count(*) INTO room FROM admissions
            WHERE provider = of_provider AND place = 'granted' AND (of_pool IS NULL OR pool = of_pool);
        END IF;
        FOR rate IN
            SELECT * FROM jsonb_to_recordset(coalesce(limits->'creates', '[]')) AS one (most bigint, seconds float8)
        LOOP
            SELECT rate.most - count(*),
                count(*) FILTER (WHERE granted_at > clock_timestamp() - make_interval(secs => rate.seconds / 10))
            INTO left_in_window, in_tenth FROM admission_creates
            WHERE provider = of_provider AND (of_pool IS NULL OR pool = of_pool) AND at > clock_timestamp()
                - make_interval(secs => rate.seconds + least(1, 0.1 + rate.seconds * 0.01));
            IF left_in_window > 0 AND rate.seconds BETWEEN 5 AND 60 THEN
                IF full_pools IS NULL THEN
                    full_pools := ARRAY(
                        SELECT key FROM jsonb_each(coalesce(limits->'families', '{}')) AS family
                        WHERE admission_room(of_provider, key, value, 0) <= 0
                    );
                END IF;
                IF admission_waits(of_provider, of_pool, full_pools, left_in_window + 1) THEN
                    left_in_window := least(left_in_window, ceil(rate.most / 5.0) - in_tenth);
                END IF;
            END IF;
            room := least(room, left_in_window);
        END LOOP;
        RETURN room;
    END $$
"""

# Whether so many generations wait for an account, or for a family. Each family is counted apart: one statement for all
# would read every row of a full family.
_WAITS = """
    CREATE OR REPLACE FUNCTION admission_waits(
        of_provider text, of_pool text, full_pools text[], at_least bigint
    ) RETURNS boolean LANGUAGE plpgsql AS $$
    DECLARE
        its_pool text := of_pool;
        found_so_far bigint := 0;
    BEGIN
        LOOP
            IF of_pool IS NULL THEN
                SELECT pool INTO its_pool FROM admission_tickets
                WHERE provider = of_provider AND (its_pool IS NULL OR pool > its_pool) ORDER BY pool LIMIT 1;
                EXIT WHEN NOT FOUND;
                CONTINUE WHEN its_pool = ANY(full_pools);
            END IF;
            SELECT found_so_far + count(*) INTO found_so_far FROM (
                SELECT FROM admissions WHERE provider = of_provider AND pool = its_pool AND place = 'waiting'
                LIMIT at_least - found_so_far
            ) AS seen;
            EXIT WHEN of_pool IS NOT NULL OR found_so_far = at_least;
        END LOOP;
        RETURN found_so_far = at_least;
    END $$
"""


def upgrade() -> None:
    # A default that is set with the column would write every row anew.
    op.add_column("admission_creates", sa.Column("granted_at", sa.DateTime(timezone=True)), if_not_exists=True)
    op.alter_column("admission_creates", "granted_at", server_default=sa.text("clock_timestamp()"))
    for function in (_WAITS, _ROOM):
        op.execute(function)


def downgrade() -> None:
    op.execute(vars(import_module("storage.migrations.versions.0021_admission"))["_ROOM"])
    op.execute("DROP FUNCTION admission_waits")
    op.drop_column("admission_creates", "granted_at")
