"""The country of an address: by the tables of the regional registries that `iptocc` carries, or by a MaxMind database of the user's own.

Registries say to whom a network was assigned, databases such as GeoLite2 and DB-IP where it is used. Neither is asked over the network.
"""

import os
import sys
from collections.abc import Callable
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Final

import iptocc
import maxminddb

from ratelimit.core.address import format_address, parse_address
from ratelimit.core.errors import ConfigError
from ratelimit.core.protocols import AddressBook
from ratelimit.service.plain_file import read_plain_file

MAX_BYTES: Final = 1 << 30
_EXPECTED: Final = "a MaxMind database of countries, such as GeoLite2-Country.mmdb or dbip-country-lite.mmdb"
_CODE: Final = 2  # letters
_LOOKED_AT: Final = 1_000  # records, of which one must name a country

Countries = Callable[[bytes], str | None]  # by packed address: ISO 3166-1 in two capital letters, None if not known


def assigned_country(packed: bytes) -> str | None:
    """The country to which a registry assigned the network of an address."""
    return iptocc.country_code(format_address(packed))


def country_of(text: str, book: AddressBook) -> str | None:
    """What the book says of an address as it was sent; None: not known, or no address."""
    packed = parse_address(text)
    return book.facts(packed).country if packed is not None else None


def read_countries(path: Path) -> Countries:
    """The countries of the database in the file `path`. Raises ConfigError."""
    content = read_plain_file(path, MAX_BYTES, _EXPECTED)
    try:
        reader = _open(content)
        named = any(_country(record) for _, record in islice(reader, _LOOKED_AT))
    except maxminddb.InvalidDatabaseError:
        raise ConfigError([f"{path}: is no MaxMind database, or is damaged or cut off; expected {_EXPECTED}"]) from None
    if not named:
        raise ConfigError([f"{path}: is a database of type {reader.metadata().database_type!r} without countries; expected {_EXPECTED}"])

    def countries(packed: bytes) -> str | None:
        try:
            return _country(reader.get(format_address(packed)))
        except (ValueError, maxminddb.InvalidDatabaseError):  # IPv6 in a database of IPv4; a record that is damaged
            return None

    return countries


def _open(content: bytes) -> maxminddb.Reader:
    """A reader on a copy of our own: of a file that somebody overwrites, the reader's memory map would end the process."""
    if sys.platform != "linux":
        return maxminddb.open_database(BytesIO(content), maxminddb.MODE_FD)  # which takes twenty times as long for each address
    with os.fdopen(os.memfd_create("countries"), "wb") as copy:
        copy.write(content)
        copy.flush()
        return maxminddb.open_database(f"/proc/self/fd/{copy.fileno()}")


def _country(record: object) -> str | None:
    """The country in a record, as MaxMind, DB-IP and IPinfo write it."""
    match record:
        case (
            {"country": {"iso_code": str(code)}}
            | {"registered_country": {"iso_code": str(code)}}
            | {"country_code": str(code)}
            | {"country": str(code)}
        ) if len(code) == _CODE:
            return sys.intern(code.upper())
    return None
