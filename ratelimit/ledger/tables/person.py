"""Who may use the console, what automation may, and views that people saved. Sessions, and who is locked out, are in the store."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, String, Table

from ratelimit.ledger.schema import METADATA, Number, Time, Tree

PERSON: Final = Table(
    "person",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("login", String(64), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("role", String(8), nullable=False),
    Column("password", String(255)),  # argon2id; None until the invitation was used
    Column("made_at", Time, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("disabled_at", Time),
    Column("seen_at", Time),
)

# a link that works once: the first admin's, an invitation, a new password
INVITATION: Final = Table(
    "invitation",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("person", BigInteger),  # None: the first admin, who is yet to be named
    Column("role", String(8), nullable=False),
    Column("made_at", Time, nullable=False),
    Column("until", Time, nullable=False),
    Column("used_at", Time),
)

API_TOKEN: Final = Table(
    "api_token",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("role", String(8), nullable=False),
    Column("scopes", Tree, nullable=False),
    Column("made_at", Time, nullable=False),
    Column("made_by", BigInteger, nullable=False),
    Column("until", Time),
    Column("used_at", Time),
    Column("revoked_at", Time),
)

VIEW: Final = Table(
    "view",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("person", BigInteger, nullable=False),
    Column("page", String(24), nullable=False),
    Column("name", String(64), nullable=False),
    Column("query", String(1000), nullable=False),
    Column("standard", Boolean, nullable=False, server_default="0"),
    Index(None, "person", "page", "name", unique=True),
)
