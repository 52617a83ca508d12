"""The totals of each customer's stored uploads, for the quota.

A trigger keeps the totals, so they include the uploads of the previous release, which works on this schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_FUNCTION = """
    CREATE FUNCTION count_uploads() RETURNS trigger LANGUAGE plpgsql AS $$
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
    CREATE TRIGGER count_inserted AFTER INSERT ON uploads
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_uploads()
"""

_ON_DELETE = """
    CREATE TRIGGER count_deleted AFTER DELETE ON uploads
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_uploads()
"""

# The new triggers lock the table until this migration commits, so no upload is missed or counted twice.
_COUNT_ALL = """
    UPDATE customers SET stored_uploads = total.count, stored_bytes = total.size_bytes
    FROM (
        SELECT customer_id, count(*) AS count, sum(size_bytes) AS size_bytes FROM uploads GROUP BY customer_id
    ) AS total
    WHERE customers.id = total.customer_id
"""


def upgrade() -> None:
    for name in ("stored_uploads", "stored_bytes"):
        op.add_column("customers", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("ix_uploads_customer", "uploads", ["customer_id", "expires_at"])
    for statement in (_FUNCTION, _ON_INSERT, _ON_DELETE, _COUNT_ALL):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION count_uploads() CASCADE")
    op.drop_index("ix_uploads_customer", "uploads")
    op.drop_column("customers", "stored_uploads")
    op.drop_column("customers", "stored_bytes")
