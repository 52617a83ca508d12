"""What Alembic runs: migrations over the connection that `storage.migrate` hands in."""

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

import schemas.admission_tables
import schemas.continuation_tables
import schemas.digest_tables
import schemas.drain_tables
import schemas.label_tables
import schemas.ledger_tables
import schemas.quota_tables
import schemas.route_tables
import schemas.run_tables
import schemas.session_tables
import schemas.share_tables
import schemas.stream_tables
import schemas.tables
import schemas.variant_tables
import schemas.webhook_tables  # noqa: F401 -- these fill the metadata

connection: Connection | None = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Run migrations with `reelworks migrate`: it knows the database.")

context.configure(connection=connection, target_metadata=SQLModel.metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
