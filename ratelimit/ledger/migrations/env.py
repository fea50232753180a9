"""Where Alembic finds the connection and the tables; `ledger/migrate.py` runs it, and so does the `alembic` command in development."""

from alembic import context
from sqlalchemy import Connection

from ratelimit.ledger.tables.every import SCHEMA

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SCHEMA, render_as_batch=True, compare_server_default=False)
with context.begin_transaction():
    context.run_migrations()
