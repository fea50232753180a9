"""Cases and campaigns, as the first version of the ledger has them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "campaign",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entity", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("cases", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_campaign")),
    )
    op.create_index(op.f("ix_campaign_entity_state"), "campaign", ["entity", "state"], unique=False)
    op.create_table(
        "candidate",
        sa.Column("anchor", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("expected_loss_minor", sa.BigInteger(), nullable=False),
        sa.Column("chance", sa.Double(), nullable=False),
        sa.Column("flag", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("anchor", "kind", name=op.f("pk_candidate")),
    )
    op.create_index(op.f("ix_candidate_at"), "candidate", ["at"], unique=False)
    op.create_index(op.f("ix_candidate_kind_expected_loss_minor"), "candidate", ["kind", "expected_loss_minor"], unique=False)
    op.create_table(
        "case_",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("anchor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("opened_by", sa.String(length=24), nullable=False),
        sa.Column("opened_word", sa.String(length=120), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("expected_loss_minor", sa.BigInteger(), nullable=False),
        sa.Column("at_risk_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("blast_radius", sa.Integer(), nullable=False),
        sa.Column("risk", sa.Double(), nullable=True),
        sa.Column("beside", sa.BigInteger(), nullable=True),
        sa.Column("plan", sa.String(length=64), nullable=True),
        sa.Column("money", sa.String(length=40), server_default="", nullable=False),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("reasons_key", sa.String(length=32), nullable=False),
        sa.Column("more", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("assignee", sa.BigInteger(), nullable=True),
        sa.Column("locked_by", sa.BigInteger(), nullable=True),
        sa.Column("locked_until", sa.Double(), nullable=True),
        sa.Column("snoozed_until", sa.Double(), nullable=True),
        sa.Column("snoozed_by", sa.BigInteger(), nullable=True),
        sa.Column("snoozes", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("escalated", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("campaign", sa.BigInteger(), nullable=True),
        sa.Column("blind", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("second_of", sa.BigInteger(), nullable=True),
        sa.Column("barred", sa.BigInteger(), nullable=True),
        sa.Column("reopened", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("acted", sa.String(length=24), nullable=True),
        sa.Column("acted_by", sa.String(length=64), nullable=True),
        sa.Column("acted_at", sa.Double(), nullable=True),
        sa.Column("acted_until", sa.Double(), nullable=True),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.String(length=24), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=True),
        sa.Column("work_s", sa.Double(), server_default="0", nullable=False),
        sa.Column("worked_at", sa.Double(), nullable=True),
        sa.Column("announced", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("drawn", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_case_")),
    )
    op.create_index(op.f("ix_case__anchor_state_closed_at"), "case_", ["anchor", "state", "closed_at"], unique=False)
    op.create_index(op.f("ix_case__assignee_state"), "case_", ["assignee", "state"], unique=False)
    op.create_index(op.f("ix_case__beside_state"), "case_", ["beside", "state"], unique=False)
    op.create_index(op.f("ix_case__campaign_state"), "case_", ["campaign", "state"], unique=False)
    op.create_index(op.f("ix_case__closed_at"), "case_", ["closed_at"], unique=False)
    op.create_index(
        "ix_case__open_due",
        "case_",
        ["due_at", "number"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_case__open_rank",
        "case_",
        ["rank", "number"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_case__open_totals",
        "case_",
        ["currency", "opened_by", "escalated", "assignee", "barred", "snoozed_until", "campaign", "due_at", "at_risk_minor"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_case__opened_by_opened_at"), "case_", ["opened_by", "opened_at"], unique=False)
    op.create_index(op.f("ix_case__second_of"), "case_", ["second_of"], unique=False)
    op.create_index(
        "ix_case__unannounced",
        "case_",
        ["number"],
        unique=False,
        sqlite_where=sa.text("NOT announced"),
        postgresql_where=sa.text("NOT announced"),
    )
    op.create_index(
        "ix_case__undrawn",
        "case_",
        ["closed_at"],
        unique=False,
        sqlite_where=sa.text("state = 'closed' AND NOT drawn"),
        postgresql_where=sa.text("state = 'closed' AND NOT drawn"),
    )
    op.create_index(
        "uq_case__anchor_open",
        "case_",
        ["anchor"],
        unique=True,
        sqlite_where=sa.text("state = 'open' AND opened_by NOT IN ('appeal', 'quality')"),
        postgresql_where=sa.text("state = 'open' AND opened_by NOT IN ('appeal', 'quality')"),
    )
    op.create_table(
        "mention",
        sa.Column("person", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("person", "case_number", name=op.f("pk_mention")),
    )
    op.create_index(op.f("ix_mention_case_number"), "mention", ["case_number"], unique=False)
    op.create_table(
        "opening",
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("case_number", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("purchase", sa.String(length=512), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_opening")),
        sa.UniqueConstraint("source", name=op.f("uq_opening_source")),
    )
    op.create_index(op.f("ix_opening_case_number"), "opening", ["case_number"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("candidate")
    op.drop_table("mention")
    op.drop_table("campaign")
    op.drop_table("opening")
    op.drop_table("case_")
