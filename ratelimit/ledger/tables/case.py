"""Cases, what opened them, and campaigns. What people did to a case is in the audit, which only grows."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, SmallInteger, String, Table

from ratelimit.ledger.schema import METADATA, Number, Time, Tree

# number: as people know it, C-1042. anchor: the account, else the key, else the address. state: open or closed.
# opened_by: early_fraud_warning, rule, model, appeal, audit or quality; opened_word: the rule's name, the risk, ... in a few words.
# reasons: see review/case; reasons_key: their digest, by which one that comes again reopens. version: counts changes (compare and set).
# blind: a case of the audit, whose reviewer is not told why it is there; second_of: the case that this is the second review of.
# acted, acted_by, acted_until: the last action in a few words, kept here for the queue.
CASE: Final = Table(
    "case_",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("anchor", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("opened_at", Time, nullable=False),
    Column("opened_by", String(24), nullable=False),
    Column("opened_word", String(120), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("expected_loss_minor", BigInteger, nullable=False),
    Column("at_risk_minor", BigInteger, nullable=False),
    Column("currency", String(3)),
    Column("blast_radius", Integer, nullable=False),
    Column("risk", Double),
    Column("reasons", Tree, nullable=False),
    Column("reasons_key", String(32), nullable=False),
    Column("more", Integer, nullable=False, server_default="0"),
    Column("due_at", Time),
    Column("assignee", BigInteger),
    Column("locked_by", BigInteger),
    Column("locked_until", Time),
    Column("snoozed_until", Time),
    Column("snoozed_by", BigInteger),
    Column("escalated", Boolean, nullable=False, server_default="0"),
    Column("campaign", BigInteger),
    Column("blind", Boolean, nullable=False, server_default="0"),
    Column("second_of", BigInteger),
    Column("reopened", SmallInteger, nullable=False, server_default="0"),
    Column("acted", String(24)),
    Column("acted_by", String(64)),
    Column("acted_at", Time),
    Column("acted_until", Time),
    Column("closed_at", Time),
    Column("closed_by", BigInteger),
    Column("verdict", String(24)),
    Column("why", String(500)),
    Column("work_s", Double, nullable=False, server_default="0"),  # for which somebody had it open
    Column("version", Integer, nullable=False, server_default="1"),
    Index(None, "state", "priority", "at_risk_minor"),
    Index(None, "state", "due_at"),
    Index(None, "state", "assignee"),
    Index(None, "anchor", "state"),
    Index(None, "campaign"),
    Index(None, "closed_at"),
    Index(None, "second_of"),
)

# what opened a case or was added to it, once: `reference` is the id that the purchase's answer told
OPENING: Final = Table(
    "opening",
    METADATA,
    Column("reference", String(64), primary_key=True),
    Column("case_number", BigInteger, nullable=False),
    Column("source", String(255), nullable=False, unique=True),
    Column("kind", String(24), nullable=False),
    Column("text", String(500), nullable=False),
    Column("at", Time, nullable=False),
    Column("purchase", String(255)),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Index(None, "case_number"),
)

CAMPAIGN: Final = Table(
    "campaign",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("entity", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("opened_at", Time, nullable=False),
    Column("closed_at", Time),
    Column("cases", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    Index(None, "entity", "state"),
)
