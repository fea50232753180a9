"""Records of decisions, and counts of traffic, as the first version of the ledger has them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_index(op.f("ix_batch_at"), "batch", ["at"], unique=False)
    op.create_table(
        "record",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("limit_name", sa.String(length=64), nullable=True),
        sa.Column("subject", sa.BigInteger(), nullable=True),
        sa.Column("account", sa.BigInteger(), nullable=True),
        sa.Column("api_key", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.BigInteger(), nullable=True),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("user_agent", sa.String(length=512), nullable=True),
        sa.Column("referrer", sa.String(length=255), nullable=True),
        sa.Column("plan", sa.String(length=64), nullable=True),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("weight", sa.Double(), server_default="1", nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=True),
        sa.Column("retry_after", sa.Double(), nullable=True),
        sa.Column("policy", sa.String(length=64), nullable=True),
        sa.Column("risk", sa.Double(), nullable=True),
        sa.Column("risk_subject", sa.BigInteger(), nullable=True),
        sa.Column("model", sa.String(length=32), nullable=True),
        sa.Column("signal_version", sa.SmallInteger(), nullable=True),
        sa.Column("signals", sa.LargeBinary(), nullable=True),
        sa.Column("propensity", sa.Double(), nullable=True),
        sa.Column("shadow", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
    )
    op.create_index(
        op.f("ix_record_account_at_decision_weight_address"), "record", ["account", "at", "decision", "weight", "address"], unique=False
    )
    op.create_index(op.f("ix_record_address_at_decision_weight"), "record", ["address", "at", "decision", "weight"], unique=False)
    op.create_index(
        op.f("ix_record_api_key_at_decision_weight_address"), "record", ["api_key", "at", "decision", "weight", "address"], unique=False
    )
    op.create_index(op.f("ix_record_at"), "record", ["at"], unique=False)
    op.create_index(op.f("ix_record_decision_at"), "record", ["decision", "at"], unique=False)
    op.create_index(
        op.f("ix_record_risk_subject_at"),
        "record",
        ["risk_subject", "at"],
        unique=False,
        sqlite_where=sa.text("risk_subject IS NOT NULL"),
        postgresql_where=sa.text("risk_subject IS NOT NULL"),
    )
    op.create_table(
        "traffic",
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("sidecar", sa.String(length=16), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("latency_us", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("at", "sidecar", "decision", "reason", name=op.f("pk_traffic")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("batch")
    op.drop_table("traffic")
    op.drop_table("record")
