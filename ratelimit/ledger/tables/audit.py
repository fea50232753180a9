"""The audit: an append-only chain of salted digests, and apart from it what these are digests of, so that erasure can drop that and the
chain still verifies.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from ratelimit.ledger.schema import METADATA, Number, Time

# content_digest and link are as core/audit_chain.py makes them
AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("seq", Number, primary_key=True),
    Column("at", Time, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("case_number", BigInteger),
    Column("content_digest", LargeBinary(32), nullable=False),
    Column("link", LargeBinary(32), nullable=False),
    Index(None, "case_number", "seq"),
    Index(None, "kind", "seq"),
    Index(None, "actor", "seq"),
    Index(None, "at"),
)

# content: JSON as text, byte for byte what the digest is of; JSONB would write it anew
AUDIT_CONTENT: Final = Table(
    "audit_content",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary(16), nullable=False),
    Column("content", Text, nullable=False),
    Column("subject", BigInteger),  # whom it is about, for erasure
    Index(None, "subject"),
)

# one row: the end of the chain, which a writer locks
AUDIT_HEAD: Final = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("link", LargeBinary(32), nullable=False),
)
