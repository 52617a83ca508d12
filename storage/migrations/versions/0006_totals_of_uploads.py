"""The totals of each customer's stored uploads, for the quota.

A trigger keeps the totals, so they include the uploads of the previous release, which works on this schema.
Each statement commits by itself, and the system goes on working. A run that was cut short is repeated from the start.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEX = "ix_uploads_customer"

_FUNCTION = """
    CREATE OR REPLACE FUNCTION count_uploads() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    BEGIN
        -- Always in the same order: two sweeps must not deadlock.
        PERFORM FROM customers WHERE id IN (SELECT customer_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
        UPDATE customers
        SET stored_uploads = stored_uploads + sign * total.count, stored_bytes = stored_bytes + sign * total.size_bytes
        FROM (
            SELECT customer_id, count(*) AS count, sum(size_bytes) AS size_bytes FROM changed GROUP BY customer_id
        ) AS total
        WHERE customers.id = total.customer_id;
        RETURN NULL;
    END $$
"""

_ON_INSERT = """
    CREATE OR REPLACE TRIGGER count_inserted AFTER INSERT ON uploads
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_uploads()
"""

_ON_DELETE = """
    CREATE OR REPLACE TRIGGER count_deleted AFTER DELETE ON uploads
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_uploads()
"""

# Counts the uploads of a slice of customers in a transaction. The customers are locked before the count: the count has
# each upload whose trigger has run, and the trigger of each later upload waits. The triggers lock in the same order.
_COUNT_ALL = """
    DO $$
    DECLARE
        last uuid := '00000000-0000-0000-0000-000000000000';
        slice uuid[];
    BEGIN
        LOOP
            slice := ARRAY(SELECT id FROM customers WHERE id > last ORDER BY id LIMIT 100 FOR NO KEY UPDATE);
            EXIT WHEN cardinality(slice) = 0;
            UPDATE customers SET (stored_uploads, stored_bytes) = (
                SELECT count(*), coalesce(sum(size_bytes), 0) FROM uploads WHERE customer_id = customers.id
            )
            WHERE id = ANY(slice);
            COMMIT;
            last := slice[cardinality(slice)];
        END LOOP;
    END $$
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name in ("stored_uploads", "stored_bytes"):
            column = sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            op.add_column("customers", column, if_not_exists=True)
        for statement in (_FUNCTION, _ON_INSERT, _ON_DELETE):
            op.execute(statement)
        # A build that was cut short leaves an index that is not valid.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}")
        op.create_index(_INDEX, "uploads", ["customer_id", "expires_at"], postgresql_concurrently=True)
        op.execute(_COUNT_ALL)


def downgrade() -> None:
    op.execute("DROP FUNCTION count_uploads() CASCADE")
    op.drop_index(_INDEX, "uploads")
    op.drop_column("customers", "stored_uploads")
    op.drop_column("customers", "stored_bytes")
