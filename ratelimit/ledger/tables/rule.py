"""Versions of rules, what they were tested on and how they stand; versions of policies and models that were in force."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, String, Table, Text

from ratelimit.ledger.schema import METADATA, Number, Time, Tree

# step: draft, backtest, shadow, canary, live, paused or replaced; steps: when it came to each of those that it was at.
# by: the author's id, 0 of the operator's token and of the policy's file
RULE_VERSION: Final = Table(
    "rule_version",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("rule", Tree, nullable=False),  # as the policy's file would write it
    Column("step", String(12), nullable=False),
    Column("canary", Double),
    Column("by", BigInteger, nullable=False),
    Column("by_login", String(64), nullable=False),
    Column("at", Time, nullable=False),
    Column("step_at", Time, nullable=False),
    Column("steps", Tree, nullable=False),
    Column("why", String(500)),
    Column("wants", String(12)),  # the step that waits for a second person
    Column("wanted_by", BigInteger),
    Column("from_file", Boolean, nullable=False, server_default="0"),
    Index(None, "name", "version", unique=True),
    Index(None, "step"),
)

BACKTEST: Final = Table(
    "backtest",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("by_login", String(64), nullable=False),
    Column("at", Time, nullable=False),
    Column("since", Time, nullable=False),
    Column("until", Time, nullable=False),
    Column("looked_at", BigInteger, nullable=False),
    Column("found", Tree, nullable=False),
    Index(None, "name", "version", "at"),
)

# the model that people put in the place of the one that the policy's file names; over: what that was
MODEL_PIN: Final = Table(
    "model_pin",
    METADATA,
    Column("section", String(12), primary_key=True),
    Column("model", String(255), nullable=False),
    Column("challenger", String(255)),
    Column("over", String(255), nullable=False),
    Column("by_login", String(64), nullable=False),
    Column("at", Time, nullable=False),
    Column("why", String(500), nullable=False),
)

# what a rule met, by day; shadow: it would have
RULE_DAY: Final = Table(
    "rule_day",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("shadow", Boolean, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
)

IN_FORCE: Final = Table(
    "in_force",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("what", String(24), nullable=False),  # policy, requests, purchases, ...
    Column("digest", String(64), nullable=False),
    Column("since", Time, nullable=False),
    Column("text", Text),
    Column("detail", Tree),
    Index(None, "what", "since"),
)
