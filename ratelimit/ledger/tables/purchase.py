"""Purchases as they were decided, what became of them, and the life of accounts. Evidence for legal claims, kept longer than usage."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, SmallInteger, String, Table

from ratelimit.ledger.schema import METADATA, Number, Time, Tree

# card, device, ...: subjects; card_country, brand, funding and device are None until the owner's policy covers them (see retention).
# outcome: "", succeeded or failed; label: "", fraud, first_party_dispute or good. signals: float64, in the order of signal_version.
PURCHASE: Final = Table(
    "purchase",
    METADATA,
    Column("id", String(512), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("record", String(64), nullable=False),  # the decision's id
    Column("at", Time, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("account", BigInteger, nullable=False),
    Column("address", BigInteger),
    Column("card", BigInteger),
    Column("device", BigInteger),
    Column("email", BigInteger),
    Column("email_domain", BigInteger),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3)),
    Column("tokens", BigInteger, nullable=False),
    Column("balance", BigInteger),  # tokens that the account had left before, as it was told
    Column("last4", String(4)),
    Column("exp_month", SmallInteger),
    Column("exp_year", SmallInteger),
    Column("card_country", String(2)),
    Column("brand", String(32)),
    Column("funding", String(16)),
    Column("billing_country", String(2)),
    Column("ip_country", String(2)),
    Column("user_agent", String(512)),
    Column("decision", String(8), nullable=False),
    Column("action", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("rule", String(64)),
    Column("hold_ratio", Double, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("lapses_at", Time),
    Column("policy", String(64)),
    Column("risk", Double),
    Column("p_fraud", Double),
    Column("propensity", Double),
    Column("model", String(32)),
    Column("signal_version", SmallInteger),
    Column("signals", LargeBinary),
    Column("shadow", Tree),
    Column("outcome", String(16), nullable=False, server_default=""),
    Column("outcome_at", Time),
    Column("refunded", Boolean, nullable=False, server_default="0"),
    Column("disputed", Boolean, nullable=False, server_default="0"),
    Column("warned", Boolean, nullable=False, server_default="0"),
    Column("label", String(24), nullable=False, server_default=""),
    Column("label_at", Time),
    Index(None, "at"),
    Index(None, "account", "at"),
    Index(None, "card", "at"),
    Index(None, "address", "at"),
    Index(None, "last4", "at"),
    Index(None, "record", unique=True),
)

# each thing that was told of a purchase, once: succeeded, failed, refunded, disputed, dispute_won, dispute_lost, warned, reviewed, ...
OUTCOME: Final = Table(
    "outcome",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("source", String(255), nullable=False, unique=True),  # what makes it one and the same
    Column("purchase", String(512), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", Time, nullable=False),
    Column("known_at", Time, nullable=False),
    Column("amount_minor", BigInteger),
    Column("detail", String(200)),
    Index(None, "purchase", "attempt"),
    Index(None, "known_at"),
)

# logins, keys, sign-ups, ... of an account
LIFE: Final = Table(
    "life",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("source", String(80), nullable=False, unique=True),
    Column("at", Time, nullable=False),
    Column("type", String(32), nullable=False),
    Column("account", BigInteger),
    Column("api_key", BigInteger),
    Column("address", BigInteger),
    Column("user_agent", String(512)),
    Index(None, "account", "at"),
    Index(None, "api_key", "at"),
)

# who shares what: a row for each pair that was seen together, both ways to be read by its index
LINK: Final = Table(
    "link",
    METADATA,
    Column("subject", BigInteger, primary_key=True),  # an account or a key
    Column("entity", BigInteger, primary_key=True),  # a card, device, email, domain, address, network, or a key
    Column("how", String(16), primary_key=True),  # paid, requested, logged_in, owns
    Column("first_at", Time, nullable=False),
    Column("last_at", Time, nullable=False),
    Column("count", BigInteger, nullable=False),
    Index(None, "entity", "last_at"),
)
