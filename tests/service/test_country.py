"""Countries: by the registries, and by a database of the operator's."""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from ratelimit.core.errors import ConfigError
from ratelimit.service.country import assigned_country, read_countries


def packed(text: str) -> bytes:
    return ip_address(text).packed


def database(path: Path, records: dict[str, Any], **form: Any) -> Path:
    """A MaxMind database with a record for each of these networks."""
    writer = MMDBWriter(**{"ip_version": 6, "ipv4_compatible": True, "database_type": "Test-Country", **form})
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


def test_assigned_country() -> None:
    """The registries say to whom a public network was assigned, and nothing of a private one."""
    assert assigned_country(packed("8.8.8.8")) == "US"
    assert assigned_country(packed("2001:4860:4860::8888")) == "US"
    assert assigned_country(packed("10.0.0.1")) is None
    assert assigned_country(packed("::")) is None


@pytest.mark.parametrize(
    ("record", "country"),
    [
        ({"country": {"iso_code": "DE"}, "registered_country": {"iso_code": "US"}}, "DE"),
        ({"registered_country": {"iso_code": "US"}}, "US"),
        ({"country": "Germany", "country_code": "de"}, "DE"),
        ({"country": "FR"}, "FR"),
        ({"country": "Germany"}, None),
        ({"country": {"names": {"en": "Germany"}}}, None),
        ({"country": {"iso_code": 49}}, None),
        ("DE", None),
    ],
)
def test_records(tmp_path: Path, record: Any, country: str | None) -> None:
    """A country is found where MaxMind, DB-IP and IPinfo write it, and is two letters or nothing."""
    countries = read_countries(database(tmp_path / "c.mmdb", {"192.0.2.0/24": record, "2001:db8::/32": {"country": "SE"}}))
    assert countries(packed("192.0.2.1")) == country
    assert countries(packed("198.51.100.1")) is None
    assert countries(packed("2001:db8::")) == "SE"


def test_database_of_ipv4(tmp_path: Path) -> None:
    """A database that knows no IPv6 knows nothing of it."""
    form = {"ip_version": 4, "ipv4_compatible": False}
    countries = read_countries(database(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country": "SE"}}, **form))
    assert (countries(packed("192.0.2.1")), countries(packed("2001:db8::"))) == ("SE", None)


def test_file_may_be_overwritten(tmp_path: Path) -> None:
    """What was read stays, even if the file is emptied in place."""
    path = database(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country": "SE"}})
    countries = read_countries(path)
    os.truncate(path, 0)
    assert countries(packed("192.0.2.1")) == "SE"


def test_damaged_records(tmp_path: Path) -> None:
    """Where a database turns out to be damaged, the country is not known."""
    networks = {f"{first}.0.0.0/8": {"country": "SE", "name": f"n{first}"} for first in range(1, 200)}
    path = database(tmp_path / "c.mmdb", {"0.0.0.0/8": {"country": "NO"}, **networks})
    content = bytearray(path.read_bytes())
    for at in range(len(content)):
        if content[at : at + 2] == b"SE":
            content[at - 1] = 0xFF  # a type that there is not, or a length beyond the file
    path.write_bytes(content)
    countries = read_countries(path)
    assert {countries(bytes([first, 1, 1, 1])) for first in range(1, 200)} == {None}
    assert countries(b"\0\1\1\1") == "NO"


def test_no_database(tmp_path: Path) -> None:
    """What is no database, is cut off, has no countries or is not there is refused with its reason."""
    sound = database(tmp_path / "sound.mmdb", {"192.0.2.0/24": {"country": "SE"}})
    files = {"empty": b"", "text": b"country,code\n", "cut": sound.read_bytes()[:-5]}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    database(tmp_path / "asn", {"192.0.2.0/24": {"autonomous_system_number": 64500}}, database_type="Test-ASN")
    expected = {
        **dict.fromkeys(files, "is no MaxMind database, or is damaged or cut off"),
        "asn": "is a database of type 'Test-ASN' without countries",
        "none": "cannot be read (No such file or directory)",
    }
    for name, problem in expected.items():
        with pytest.raises(ConfigError) as refused:
            read_countries(tmp_path / name)
        (said,) = refused.value.problems
        assert said.startswith(f"{tmp_path / name}: {problem}")
        assert said.endswith("; expected a MaxMind database of countries, such as GeoLite2-Country.mmdb or dbip-country-lite.mmdb")
