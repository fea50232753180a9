"""Actions, labels and appeals, as the first version of the ledger has them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "action",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("case_number", sa.BigInteger(), nullable=True),
        sa.Column("then", sa.String(length=24), nullable=False),
        sa.Column("target_kind", sa.String(length=16), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("purchase", sa.String(length=512), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("by", sa.BigInteger(), nullable=False),
        sa.Column("by_login", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("override", sa.String(length=64), nullable=True),
        sa.Column("before", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("bulk", sa.String(length=64), nullable=True),
        sa.Column("needs_second", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("wanted_until", sa.Double(), nullable=True),
        sa.Column("second_by", sa.String(length=64), nullable=True),
        sa.Column("second_at", sa.Double(), nullable=True),
        sa.Column("undone_at", sa.Double(), nullable=True),
        sa.Column("undone_by", sa.String(length=64), nullable=True),
        sa.Column("undone_why", sa.String(length=500), nullable=True),
        sa.Column("label", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
        sa.UniqueConstraint("key", name=op.f("uq_action_key")),
    )
    op.create_index(op.f("ix_action_bulk"), "action", ["bulk"], unique=False)
    op.create_index(op.f("ix_action_case_number_at"), "action", ["case_number", "at"], unique=False)
    op.create_index(op.f("ix_action_state_at"), "action", ["state", "at"], unique=False)
    op.create_index(op.f("ix_action_target_at"), "action", ["target", "at"], unique=False)
    op.create_table(
        "appeal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("case_number", sa.BigInteger(), nullable=False),
        sa.Column("decided_first_by", sa.String(length=64), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.Double(), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=True),
        sa.Column("by_login", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
    )
    op.create_index(op.f("ix_appeal_case_number"), "appeal", ["case_number"], unique=False)
    op.create_index(op.f("ix_appeal_reference"), "appeal", ["reference"], unique=False)
    op.create_index(op.f("ix_appeal_state_at"), "appeal", ["state", "at"], unique=False)
    op.create_table(
        "known_normal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("reasons_key", sa.String(length=32), nullable=False),
        sa.Column("by", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_normal")),
    )
    op.create_index(op.f("ix_known_normal_subject_until"), "known_normal", ["subject", "until"], unique=False)
    op.create_table(
        "label",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("target_kind", sa.String(length=16), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("purchase", sa.String(length=512), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("verdict", sa.String(length=24), nullable=False),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("known_at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("case_number", sa.BigInteger(), nullable=True),
        sa.Column("supersedes", sa.BigInteger(), nullable=True),
        sa.Column("superseded_by", sa.BigInteger(), nullable=True),
        sa.Column("told", sa.String(length=600), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint("told", name=op.f("uq_label_told")),
    )
    op.create_index(op.f("ix_label_case_number"), "label", ["case_number"], unique=False)
    op.create_index(op.f("ix_label_known_at"), "label", ["known_at"], unique=False)
    op.create_index(op.f("ix_label_purchase"), "label", ["purchase"], unique=False)
    op.create_index(op.f("ix_label_superseded_by"), "label", ["superseded_by"], unique=False)
    op.create_index(op.f("ix_label_target_known_at"), "label", ["target", "known_at"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("appeal")
    op.drop_table("known_normal")
    op.drop_table("label")
    op.drop_table("action")
