"""Decisions on requests: all refusals and a sample of what was allowed, and how many decisions there were of each kind."""

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, SmallInteger, String, Table, text

from ratelimit.ledger.schema import METADATA, Time, Tree

_WEIGHED: Final = text("risk_subject IS NOT NULL")

# weight: how many decisions the row stands for, 1 for a refusal. signals: float32, little-endian, in the order of signal_version.
RECORD: Final = Table(
    "record",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("at", Time, nullable=False),
    Column("decision", String(8), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("limit_name", String(64)),
    Column("subject", BigInteger),  # by which it was decided
    Column("account", BigInteger),
    Column("api_key", BigInteger),
    Column("address", BigInteger),
    Column("method", String(32), nullable=False),
    Column("path", String(512), nullable=False),
    Column("user_agent", String(512)),
    Column("referrer", String(255)),  # its host alone
    Column("plan", String(64)),
    Column("cost", Integer, nullable=False),
    Column("status", SmallInteger),
    Column("weight", Double, nullable=False, server_default="1"),
    Column("remaining", BigInteger),
    Column("retry_after", Double),
    Column("policy", String(64)),
    Column("risk", Double),
    Column("risk_subject", BigInteger),
    Column("model", String(32)),
    Column("signal_version", SmallInteger),
    Column("signals", LargeBinary),
    Column("propensity", Double),
    Column("shadow", Tree),
    Index(None, "at"),
    # what a subject asked for over time is summed from these alone, without the rows: some 16 MB for a million records
    Index(None, "account", "at", "decision", "weight", "address"),
    Index(None, "api_key", "at", "decision", "weight", "address"),
    Index(None, "address", "at", "decision", "weight"),
    Index(None, "decision", "at"),
    Index(None, "risk_subject", "at", sqlite_where=_WEIGHED, postgresql_where=_WEIGHED),
)

# per 10 s, sidecar, decision and reason; sidecar is the id that a process drew at its start
TRAFFIC: Final = Table(
    "traffic",
    METADATA,
    Column("at", Time, primary_key=True),  # when the 10 s began
    Column("sidecar", String(16), primary_key=True),
    Column("decision", String(8), primary_key=True),
    Column("reason", String(32), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("latency_us", Double),  # p99 of what deciding added, where it is known
)

# batches of messages that were written, each once
BATCH: Final = Table(
    "batch",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("at", Time, nullable=False),
    Index(None, "at"),
)
