"""Requests of people about their data, what was erased (to be erased again after a restore), and what retention took away."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table

from ratelimit.ledger.schema import METADATA, Number, Time, Tree

# kind: export, correct, restrict, object or erase; state: asked, approved, done, refused or withdrawn
PRIVACY_REQUEST: Final = Table(
    "privacy_request",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("subject", BigInteger),  # None once it is erased
    Column("kind", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("asked_at", Time, nullable=False),
    Column("due_at", Time, nullable=False),
    Column("verified_by", String(200), nullable=False),  # how we know that it is that person
    Column("by", BigInteger, nullable=False),
    Column("by_login", String(64), nullable=False),
    Column("second_by", BigInteger),
    Column("done_at", Time),
    Column("detail", Tree),
    Column("report", Tree),
    Index(None, "state", "due_at"),
    Index(None, "subject"),
)

# whose data a restriction or an objection is about: no model looks at it
RESTRICTION: Final = Table(
    "restriction",
    METADATA,
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(12), primary_key=True),
    Column("at", Time, nullable=False),
)

# digests of what was erased, to be erased again where a backup is restored
ERASURE: Final = Table(
    "erasure",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("at", Time, nullable=False),
    Index(None, "kind", "digest"),
)

# digests of what accounts used that a person confirmed as fraud and whose data are gone; see ledger/bans
BAN: Final = Table(
    "ban",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("confirmed_at", Time, nullable=False),
    Index(None, "kind", "digest", unique=True),
)

# how far retention has come with something; the key of a month's hashes of addresses, which is destroyed when it ends
RETENTION_MARK: Final = Table(
    "retention_mark",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("at", Time, nullable=False),
    Column("secret", LargeBinary(32)),
)

RETENTION_RUN: Final = Table(
    "retention_run",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("at", Time, nullable=False),
    Column("took_s", Time, nullable=False),
    Column("removed", Tree, nullable=False),
)
