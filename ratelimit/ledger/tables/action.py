"""What people did about subjects, so that it can be undone; labels; what is known to be normal; appeals."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from ratelimit.ledger.schema import METADATA, Number, Time, Tree

# then, state: see review/deed. key: what whoever asked calls it by, so that the same is done once. until: when what is in force ends.
# before: what stood, to be restored by undo. detail: what is to be done, so that it can be done again after a crash, and what came of it.
# Neither names whom it is about; only `target` does. override: the id of the word that stands by it.
ACTION: Final = Table(
    "action",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("key", String(160), nullable=False, unique=True),
    Column("case_number", BigInteger),
    Column("then", String(24), nullable=False),
    Column("target_kind", String(16), nullable=False),
    Column("target", BigInteger, nullable=False),
    Column("purchase", String(512)),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("by", BigInteger, nullable=False),
    Column("by_login", String(64), nullable=False),
    Column("at", Time, nullable=False),
    Column("until", Time),
    Column("reason", String(500), nullable=False),
    Column("state", String(12), nullable=False),
    Column("override", String(64)),
    Column("before", Tree, nullable=False),
    Column("detail", Tree, nullable=False),
    Column("bulk", String(64)),  # of those that were done together
    Column("needs_second", Boolean, nullable=False, server_default="0"),
    Column("wanted_until", Time),  # when it ends once a second person has approved
    Column("second_by", String(64)),
    Column("second_at", Time),
    Column("undone_at", Time),
    Column("undone_by", String(64)),
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
    Column("purchase", String(512)),
    Column("attempt", Integer, nullable=False, server_default="0"),  # 0: of no one in particular
    Column("verdict", String(24), nullable=False),
    Column("source", String(12), nullable=False),
    Column("known_at", Time, nullable=False),
    Column("by", String(64), nullable=False),
    Column("case_number", BigInteger),
    Column("supersedes", BigInteger),
    Column("superseded_by", BigInteger),
    Column("told", String(600), unique=True),  # what makes it one and the same
    Index(None, "target", "known_at"),
    Index(None, "purchase"),
    Index(None, "known_at"),
    Index(None, "superseded_by"),
    Index(None, "case_number"),
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
    Column("decided_by", String(64)),
    Column("decided_at", Time),
    Column("why", String(500)),
    Column("by_login", String(64), nullable=False),  # who passed it on
    Column("decision", Tree, nullable=False),  # what it is about: kind, then, reason, subject, purchase, action, rule, ...
    Index(None, "state", "at"),
    Index(None, "reference"),
    Index(None, "case_number"),
)
