"""Cases, what opened them, and campaigns. What people did to a case is in the audit, which only grows."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, SmallInteger, String, Table, text

from ratelimit.ledger.schema import METADATA, Number, Time, Tree

# an anchor has one open case; an appeal and a second review stand beside it
LONE: Final = text("state = 'open' AND opened_by NOT IN ('appeal', 'quality')")
_OPEN: Final = text("state = 'open'")
_UNANNOUNCED: Final = text("NOT announced")
_UNDRAWN: Final = text("state = 'closed' AND NOT drawn")

# number: as people know it, C-1042. anchor: the account, else the key, else the address. state: open or closed.
# opened_by: see core/case.CaseKind; opened_word: the rule's name, the risk, ... in a few words.
# beside: what people see under the anchor, an account's email or a key's account. money: what the money at risk is, in a few words.
# reasons: see core/case; reasons_key: their digest, by which one that comes again reopens. version: counts changes (compare and set).
# blind: one whose reviewer is not told why it is there; second_of: the case that this is the second review of.
# barred: who may not decide it, since what they decided is in question. announced: the site was told that it is open.
# drawn: the lot was drawn whether a second person looks at it.
# rank: the order of the queue, by priority and then by money at risk, the first is the least.
# worked_at: when somebody was last seen working on it, while it is locked. snoozes: how often it was put off.
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
    Column("rank", BigInteger, nullable=False),
    Column("expected_loss_minor", BigInteger, nullable=False),
    Column("at_risk_minor", BigInteger, nullable=False),
    Column("currency", String(3)),
    Column("blast_radius", Integer, nullable=False),
    Column("risk", Double),
    Column("beside", BigInteger),
    Column("plan", String(64)),
    Column("money", String(40), nullable=False, server_default=""),
    Column("reasons", Tree, nullable=False),
    Column("reasons_key", String(32), nullable=False),
    Column("more", Integer, nullable=False, server_default="0"),
    Column("due_at", Time, nullable=False),
    Column("assignee", BigInteger),
    Column("locked_by", BigInteger),
    Column("locked_until", Time),
    Column("snoozed_until", Time),
    Column("snoozed_by", BigInteger),
    Column("snoozes", SmallInteger, nullable=False, server_default="0"),
    Column("escalated", Boolean, nullable=False, server_default="0"),
    Column("campaign", BigInteger),
    Column("blind", Boolean, nullable=False, server_default="0"),
    Column("second_of", BigInteger),
    Column("barred", BigInteger),
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
    Column("worked_at", Time),
    Column("announced", Boolean, nullable=False, server_default="0"),
    Column("drawn", Boolean, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    Index("uq_case__anchor_open", "anchor", unique=True, sqlite_where=LONE, postgresql_where=LONE),
    Index("ix_case__open_rank", "rank", "number", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_case__open_due", "due_at", "number", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index(  # all that the totals of the queue look at, in the order in which they group it
        "ix_case__open_totals",
        *("currency", "opened_by", "escalated", "assignee", "barred", "snoozed_until", "campaign", "due_at", "at_risk_minor"),
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index("ix_case__names", "number", "state", "anchor", "beside"),  # all that a search for a name looks at
    Index("ix_case__undrawn", "closed_at", sqlite_where=_UNDRAWN, postgresql_where=_UNDRAWN),
    Index("ix_case__unannounced", "number", sqlite_where=_UNANNOUNCED, postgresql_where=_UNANNOUNCED),
    Index(None, "assignee", "state"),
    Index(None, "opened_by", "opened_at"),
    Index(None, "anchor", "state", "closed_at"),
    Index(None, "beside", "state"),
    Index(None, "campaign", "state"),
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
    Column("purchase", String(512)),
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

# who is named in a note: the case is theirs as well until they have seen it
MENTION: Final = Table(
    "mention",
    METADATA,
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("case_number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Time, nullable=False),
    Column("seen_at", Time),
    Index(None, "case_number"),
)

# what the model would have looked at: the most expected loss is opened first, as far as there is room for the day
CANDIDATE: Final = Table(
    "candidate",
    METADATA,
    Column("anchor", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(24), primary_key=True),  # model or audit
    Column("at", Time, nullable=False),
    Column("expected_loss_minor", BigInteger, nullable=False),
    Column("chance", Double, nullable=False),  # what decides among those of the audit
    Column("flag", LargeBinary, nullable=False),  # the message, packed
    Index(None, "kind", "expected_loss_minor"),
    Index(None, "at"),
)
