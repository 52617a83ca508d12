"""Traces: the place of a generation in a trace, and the span that its next step follows from.

The previous release works on this schema: it reads and writes neither column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("generations", sa.Column("traceparent", sa.String(55)), if_not_exists=True)
    op.add_column("generations", sa.Column("last_span", sa.String(16)), if_not_exists=True)


def downgrade() -> None:
    op.drop_column("generations", "last_span")
    op.drop_column("generations", "traceparent")
