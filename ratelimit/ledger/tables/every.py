"""Every table, so that whoever needs the whole schema imports this one module."""

from typing import Final

from sqlalchemy import MetaData

from ratelimit.ledger.schema import METADATA
from ratelimit.ledger.tables import action, audit, case, part, person, privacy, purchase, record, rule, subject

_FILES: Final = (action, audit, case, part, person, privacy, purchase, record, rule, subject)
SCHEMA: Final[MetaData] = METADATA
