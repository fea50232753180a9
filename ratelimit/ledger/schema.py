"""What all tables of the ledger share. Times are seconds since the epoch, money is in minor units of its currency."""

from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Double, Integer, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Time: Final[type[TypeEngine[float]]] = Double
# SQLite numbers rows by itself only where the key is spelled INTEGER
Number: Final[TypeEngine[int]] = BigInteger().with_variant(Integer(), "sqlite")
Tree: Final[TypeEngine[Any]] = JSON().with_variant(JSONB(), "postgresql")
