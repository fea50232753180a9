"""What rules may ask of a purchase and was not kept: the country of its address, and what the account had left before."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of purchases that are there nobody knows what was."""
    op.add_column("purchase", sa.Column("ip_country", sa.String(length=2), nullable=True))
    op.add_column("purchase", sa.Column("balance", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("purchase", "balance")
    op.drop_column("purchase", "ip_country")
