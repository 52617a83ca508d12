"""Events name their customer and the progress, so that a customer's events can be read in order.

The previous release works on this schema. It writes neither column; a trigger fills the customer in its rows. Rows from
before this revision have no customer: they are in no customer's list of events.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEX = "ix_events_customer"

# The generation may be a row of the same statement. A volatile function sees such rows.
_FUNCTION = """
    CREATE OR REPLACE FUNCTION events_fill_customer() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.customer_id := (SELECT customer_id FROM generations WHERE id = NEW.generation_id);
        RETURN NEW;
    END $$
"""

_TRIGGER = """
    CREATE OR REPLACE TRIGGER events_fill_customer BEFORE INSERT ON events
    FOR EACH ROW WHEN (NEW.customer_id IS NULL) EXECUTE FUNCTION events_fill_customer()
"""


def upgrade() -> None:
    # A run that was cut short while it built the index is repeated from the start.
    op.execute(
        "ALTER TABLE events ADD COLUMN IF NOT EXISTS customer_id uuid, ADD COLUMN IF NOT EXISTS progress smallint"
    )
    op.execute(_FUNCTION)
    op.execute(_TRIGGER)
    # Concurrently: the system goes on working while the index is built.
    with op.get_context().autocommit_block():
        # A build that was cut short leaves an index that is not valid.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}")
        op.create_index(
            _INDEX,
            "events",
            ["customer_id", "id"],
            postgresql_where=sa.text("customer_id IS NOT NULL AND origin IS DISTINCT FROM stage"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index(_INDEX, "events")
    op.execute("DROP TRIGGER events_fill_customer ON events")
    op.execute("DROP FUNCTION events_fill_customer()")
    op.drop_column("events", "progress")
    op.drop_column("events", "customer_id")
