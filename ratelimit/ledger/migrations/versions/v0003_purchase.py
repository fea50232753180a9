"""Purchases, outcomes, lives and links, as the first version of the ledger has them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "life",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=True),
        sa.Column("api_key", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.BigInteger(), nullable=True),
        sa.Column("user_agent", sa.String(length=512), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_life")),
        sa.UniqueConstraint("source", name=op.f("uq_life_source")),
    )
    op.create_index(op.f("ix_life_account_at"), "life", ["account", "at"], unique=False)
    op.create_index(op.f("ix_life_api_key_at"), "life", ["api_key", "at"], unique=False)
    op.create_table(
        "link",
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("entity", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "entity", "how", name=op.f("pk_link")),
    )
    op.create_index(op.f("ix_link_entity_last_at"), "link", ["entity", "last_at"], unique=False)
    op.create_table(
        "outcome",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("purchase", sa.String(length=512), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("known_at", sa.Double(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
        sa.UniqueConstraint("source", name=op.f("uq_outcome_source")),
    )
    op.create_index(op.f("ix_outcome_known_at"), "outcome", ["known_at"], unique=False)
    op.create_index(op.f("ix_outcome_purchase_attempt"), "outcome", ["purchase", "attempt"], unique=False)
    op.create_table(
        "purchase",
        sa.Column("id", sa.String(length=512), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.BigInteger(), nullable=True),
        sa.Column("card", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.BigInteger(), nullable=True),
        sa.Column("email_domain", sa.BigInteger(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=True),
        sa.Column("exp_month", sa.SmallInteger(), nullable=True),
        sa.Column("exp_year", sa.SmallInteger(), nullable=True),
        sa.Column("card_country", sa.String(length=2), nullable=True),
        sa.Column("brand", sa.String(length=32), nullable=True),
        sa.Column("funding", sa.String(length=16), nullable=True),
        sa.Column("billing_country", sa.String(length=2), nullable=True),
        sa.Column("user_agent", sa.String(length=512), nullable=True),
        sa.Column("decision", sa.String(length=8), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=True),
        sa.Column("hold_ratio", sa.Double(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("lapses_at", sa.Double(), nullable=True),
        sa.Column("policy", sa.String(length=64), nullable=True),
        sa.Column("risk", sa.Double(), nullable=True),
        sa.Column("p_fraud", sa.Double(), nullable=True),
        sa.Column("propensity", sa.Double(), nullable=True),
        sa.Column("model", sa.String(length=32), nullable=True),
        sa.Column("signal_version", sa.SmallInteger(), nullable=True),
        sa.Column("signals", sa.LargeBinary(), nullable=True),
        sa.Column("shadow", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("outcome", sa.String(length=16), server_default="", nullable=False),
        sa.Column("outcome_at", sa.Double(), nullable=True),
        sa.Column("refunded", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("disputed", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("warned", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("label", sa.String(length=24), server_default="", nullable=False),
        sa.Column("label_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", "attempt", name=op.f("pk_purchase")),
    )
    op.create_index(op.f("ix_purchase_account_at"), "purchase", ["account", "at"], unique=False)
    op.create_index(op.f("ix_purchase_address_at"), "purchase", ["address", "at"], unique=False)
    op.create_index(op.f("ix_purchase_at"), "purchase", ["at"], unique=False)
    op.create_index(op.f("ix_purchase_card_at"), "purchase", ["card", "at"], unique=False)
    op.create_index(op.f("ix_purchase_record"), "purchase", ["record"], unique=True)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("link")
    op.drop_table("life")
    op.drop_table("outcome")
    op.drop_table("purchase")
