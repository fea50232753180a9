"""What people did about subjects, so that it can be undone; labels; what is known to be normal; appeals."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table

from ratelimit.ledger.schema import METADATA, Number, Time, Tree

# state: proposed (waits for a second person), in_force, undone, refused or expired. before: what stood, to be restored by undo.
# override: the id of the word that stands by it; done: what came of it, in words for the timeline.
ACTION: Final = Table(
    "action",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("case_number", BigInteger),
    Column("then", String(24), nullable=False),
    Column("target_kind", String(16), nullable=False),
    Column("target", BigInteger, nullable=False),
    Column("by", BigInteger, nullable=False),
    Column("by_login", String(64), nullable=False),
    Column("at", Time, nullable=False),
    Column("until", Time),
    Column("reason", String(500), nullable=False),
    Column("state", String(12), nullable=False),
    Column("override", String(64)),
    Column("before", Tree),
    Column("detail", Tree),
    Column("bulk", String(32)),  # of those that were done together
    Column("needs_second", Boolean, nullable=False, server_default="0"),
    Column("second_by", BigInteger),
    Column("second_at", Time),
    Column("undone_at", Time),
    Column("undone_by", BigInteger),
    Column("undone_why", String(500)),
    Column("label", BigInteger),
    Index(None, "case_number", "at"),
    Index(None, "target", "at"),
    Index(None, "state", "at"),
    Index(None, "bulk"),
)

# verdict: fraud, abuse, first_party_dispute, victim, good or unclear; source: analyst, appeal, dispute, efw or audit
LABEL: Final = Table(
    "label",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("target_kind", String(16), nullable=False),  # account, api_key, purchase or card
    Column("target", BigInteger),
    Column("purchase", String(255)),
    Column("attempt", BigInteger),
    Column("verdict", String(24), nullable=False),
    Column("source", String(12), nullable=False),
    Column("known_at", Time, nullable=False),
    Column("by", String(64), nullable=False),
    Column("case_number", BigInteger),
    Column("supersedes", BigInteger),
    Column("superseded_by", BigInteger),
    Column("told", String(255), unique=True),  # what makes it one and the same
    Index(None, "target", "known_at"),
    Index(None, "purchase"),
    Index(None, "known_at"),
)

KNOWN_NORMAL: Final = Table(
    "known_normal",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("subject", BigInteger, nullable=False),
    Column("reasons_key", String(32), nullable=False),
    Column("by", BigInteger, nullable=False),
    Column("at", Time, nullable=False),
    Column("until", Time, nullable=False),
    Column("ended_at", Time),
    Index(None, "subject", "until"),
)

# reference: the id of the decision that it is about; state: open, upheld or overturned
APPEAL: Final = Table(
    "appeal",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("reference", String(64), nullable=False),
    Column("text", String(2000), nullable=False),
    Column("at", Time, nullable=False),
    Column("state", String(12), nullable=False),
    Column("case_number", BigInteger, nullable=False),
    Column("decided_first_by", String(64)),  # the person, rule or model against whom it is
    Column("decided_by", BigInteger),
    Column("decided_at", Time),
    Column("why", String(500)),
    Index(None, "state", "at"),
    Index(None, "reference"),
)
