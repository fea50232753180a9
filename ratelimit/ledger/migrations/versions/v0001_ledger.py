"""The ledger's first schema."""

from alembic import op

from ratelimit.ledger.tables.every import SCHEMA

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    SCHEMA.create_all(op.get_bind())


def downgrade() -> None:
    """Drop them."""
    SCHEMA.drop_all(op.get_bind())
