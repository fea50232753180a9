"""Subjects, as the first version of the ledger has them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "subject",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key_id", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.String(length=600), nullable=True),
        sa.Column("shown", sa.String(length=600), nullable=True),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("good", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fraud", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject")),
    )
    op.create_index(op.f("ix_subject_kind_digest"), "subject", ["kind", "digest"], unique=True)
    op.create_index(op.f("ix_subject_kind_last_at"), "subject", ["kind", "last_at"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("subject")
