"""Webhooks: endpoints, and a trigger that makes a delivery for each event and each endpoint that hears the event.

The trigger belongs to the transaction of the event, so the events of the previous release make deliveries, too. The
previous release knows nothing of the new tables. Each new table commits by itself, and so does the trigger: no
transaction locks two tables of the running system. A run that was cut short is repeated from the start.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

# The same names as `schemas.event_types.type_of`. A test compares both.
_TYPE = """
    CREATE OR REPLACE FUNCTION webhook_event_type(origin text, stage text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN origin IS NULL THEN 'generation.accepted'
        WHEN stage = 'generating' THEN 'generation.started'
        WHEN stage IN ('completed', 'failed', 'cancelled') THEN 'generation.' || stage
        ELSE 'generation.moved'
    END
"""

# Most customers have no endpoint: for them the trigger costs the first condition. A timeline entry without a move makes
# no delivery. An implicit endpoint hears the generations that name it.
_DELIVER = """
    CREATE OR REPLACE FUNCTION make_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (
            SELECT FROM webhook_endpoints
            WHERE customer_id IN (SELECT customer_id FROM inserted) AND deleted_at IS NULL
        ) THEN
            RETURN NULL;
        END IF;
        INSERT INTO webhook_deliveries (endpoint_id, customer_id, generation_id, event_id, type)
        SELECT endpoint.id, moved.customer_id, moved.generation_id, moved.id, moved.type
        FROM (
            SELECT id, generation_id, customer_id, webhook_event_type(origin, stage) AS type
            FROM inserted WHERE origin IS DISTINCT FROM stage
        ) AS moved CROSS JOIN LATERAL (
            SELECT id, types FROM webhook_endpoints
            WHERE customer_id = moved.customer_id AND deleted_at IS NULL AND NOT is_implicit
            UNION ALL
            SELECT id, types FROM webhook_endpoints
            WHERE id = (SELECT endpoint_id FROM webhook_generations WHERE generation_id = moved.generation_id)
              AND deleted_at IS NULL
        ) AS endpoint
        WHERE endpoint.types && ARRAY[moved.type, split_part(moved.type, '.', 1) || '.*', '*'];
        RETURN NULL;
    END $$
"""

_TRIGGER = """
    CREATE OR REPLACE TRIGGER make_webhook_deliveries AFTER INSERT ON events REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION make_webhook_deliveries()
"""

_IS_LIVE = "deleted_at IS NULL"

_INDEXES: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "ix_webhook_endpoints_customer": (
        "webhook_endpoints",
        ["customer_id", "created_at", "id"],
        {"postgresql_where": sa.text(_IS_LIVE)},
    ),
    "ix_webhook_endpoints_explicit": (
        "webhook_endpoints",
        ["customer_id"],
        {"postgresql_where": sa.text(f"{_IS_LIVE} AND NOT is_implicit")},
    ),
    "ix_webhook_endpoints_implicit": (
        "webhook_endpoints",
        ["customer_id", "url"],
        {"unique": True, "postgresql_where": sa.text(f"{_IS_LIVE} AND is_implicit")},
    ),
    "ix_webhook_endpoints_used": ("webhook_endpoints", ["used_at"], {"postgresql_where": sa.text("is_implicit")}),
    "ix_webhook_endpoints_deleted": (
        "webhook_endpoints",
        ["deleted_at"],
        {"postgresql_where": sa.text("deleted_at IS NOT NULL")},
    ),
    "ix_webhook_endpoints_paused": (
        "webhook_endpoints",
        ["paused_at", "id"],
        {"postgresql_where": sa.text("paused_at IS NOT NULL")},
    ),
    "ix_webhook_generations_endpoint": ("webhook_generations", ["endpoint_id"], {}),
    "ix_webhook_generations_created": ("webhook_generations", ["created_at"], {}),
    "ix_webhook_deliveries_pending": (
        "webhook_deliveries",
        ["endpoint_id", "next_at"],
        {"postgresql_where": sa.text("state = 'pending'")},
    ),
    "ix_webhook_deliveries_customer": ("webhook_deliveries", ["customer_id", "created_at", "id"], {}),
    "ix_webhook_deliveries_endpoint": ("webhook_deliveries", ["endpoint_id", "created_at", "id"], {}),
    "ix_webhook_deliveries_generation": ("webhook_deliveries", ["generation_id", "created_at", "id"], {}),
    "ix_webhook_deliveries_undelivered": (
        "webhook_deliveries",
        ["customer_id", "created_at", "id"],
        {"postgresql_where": sa.text("state IN ('failed', 'dropped')")},
    ),
    "ix_webhook_deliveries_created": ("webhook_deliveries", ["created_at"], {}),
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _create_endpoints()
        _create_deliveries()
    for name, (table, columns, options) in _INDEXES.items():
        op.create_index(name, table, columns, if_not_exists=True, **options)
    for statement in (_TYPE, _DELIVER, _TRIGGER):
        op.execute(statement)


def _moment(name: str) -> sa.Column[Any]:
    """The time of the insert, unless a statement says another."""
    return sa.Column(name, _MOMENT, server_default=sa.func.now(), nullable=False)


def _create_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("is_implicit", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("types", ARRAY(sa.Text()), nullable=False),
        _moment("hears_since"),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("earlier_secret", sa.Text(), nullable=True),
        sa.Column("earlier_secret_until", _MOMENT, nullable=True),
        sa.Column("paused_at", _MOMENT, nullable=True),
        sa.Column("paused_reason", sa.String(64), nullable=True),
        sa.Column("failing_since", _MOMENT, nullable=True),
        _moment("created_at"),
        _moment("used_at"),
        sa.Column("deleted_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_table(
        "webhook_generations",
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        _moment("created_at"),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"]),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoints.id"]),
        sa.PrimaryKeyConstraint("generation_id"),
        if_not_exists=True,
    )


def _create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", JSONB(), nullable=True),
        sa.Column("state", sa.String(64), server_default="pending", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        _moment("next_at"),
        sa.Column("lease_until", _MOMENT, nullable=True),
        _moment("created_at"),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoints.id"]),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("endpoint_id", "event_id"),
        if_not_exists=True,
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        _moment("began_at"),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["webhook_deliveries.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delivery_id", "number"),
        if_not_exists=True,
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER make_webhook_deliveries ON events")
    op.execute("DROP FUNCTION make_webhook_deliveries()")
    op.execute("DROP FUNCTION webhook_event_type(text, text)")
    for table in ("webhook_attempts", "webhook_deliveries", "webhook_generations", "webhook_endpoints"):
        op.drop_table(table)
