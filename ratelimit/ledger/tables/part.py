"""By which parts of their names subjects are found: an index of SUBJECT, kept by triggers of the database itself.

Each row is what a name has from some place on, in small letters (of ASCII alone), so the names that have in them what somebody typed are
one range: the rows that begin with it. Accounts, domains and emails have a row for every place, an email none behind its @; a card has one
for its last four; of keys, addresses and the like, of which there are many more, the beginning alone is there, of what people see and of
what words name them by. Whatever writes a name, changes it or takes it away, in whichever way, changes these rows with it in the same
statement: no erasure can forget them. The triggers stand in the migration that made the table.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, String, Table

from ratelimit.ledger.schema import METADATA

LONGEST: Final = 40  # characters of a part

PART: Final = Table(
    "subject_part",
    METADATA,
    # in the order of its bytes, whatever language the database speaks, so that what begins with a text is a range
    Column("part", String(LONGEST).with_variant(String(LONGEST, collation="C"), "postgresql"), primary_key=True),
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
