"""Callers, and what they share, by a random id: all other rows refer to that, so whoever is erased here is nobody there."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, String, Table

from ratelimit.ledger.schema import METADATA, Time

# digest: keyed BLAKE2b of kind and value, 16 bytes; value: what words about it name it by (core/standing.Target); shown: as people see it.
# Both are None once they may not be kept any more.
# good: accounts of good standing that share it; fraud: confirmed ones. Both are counted when links or labels change.
SUBJECT: Final = Table(
    "subject",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("key_id", SmallInteger, nullable=False),  # by which of RATELIMIT_LEDGER_KEY, as its check value says
    Column("value", String(600)),
    Column("shown", String(600)),
    Column("first_at", Time, nullable=False),
    Column("last_at", Time, nullable=False),
    Column("good", Integer, nullable=False, server_default="0"),
    Column("fraud", Integer, nullable=False, server_default="0"),
    Index(None, "kind", "digest", unique=True),
    Index(None, "kind", "last_at"),
)
