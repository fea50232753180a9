"""The policy file: every problem of a broken one is reported at once, with its path."""

from pathlib import Path

import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.core.limit import BucketRule, Limit, Match
from ratelimit.core.policy_file import PolicyFile, json_schema, parse_policy, written
from ratelimit.core.policy_shape import MAX_PROBLEMS
from ratelimit.core.units import Refill
from ratelimit.service.policy_source import make_policy

BROKEN = sorted((Path(__file__).parent / "broken_policies").glob("*.yaml"))
LIMIT = {"name": "a", "per": ["ip"], "bucket": {"capacity": 3, "refill": "10/s"}}


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_broken_policy(path: Path) -> None:
    """A broken policy is refused with exactly the problems that its own first lines name."""
    text = path.read_text()
    expected = {f"ratelimit.yaml: {line[2:]}" for line in text.splitlines() if line.startswith("# ")}
    with pytest.raises(ConfigError) as refused:
        make_policy(text.encode(), "ratelimit.yaml")
    assert set(refused.value.problems) == expected
    assert len(refused.value.problems) == len(expected)


def test_sound_policy_becomes_structs() -> None:
    """What is written arrives typed, what is left out has its default."""
    policy = parse_policy({"version": 1, "limits": [{**LIMIT, "match": {"method": ["POST"]}, "mode": "shadow"}]}, "p")
    bucket = BucketRule(capacity=3, refill=Refill(1, 100_000))
    limit = Limit(name="a", per=("ip",), match=Match(method=("POST",)), bucket=bucket, mode="shadow")
    assert policy == PolicyFile(version=1, limits=(limit,))


def test_written_reads_back() -> None:
    """A limit written as plain data is read again as the same limit."""
    limits = [LIMIT, {**LIMIT, "name": "b", "per": ["subnet"], "subnet": {"v4": 20}}]
    policy = parse_policy({"version": 1, "limits": limits}, "p")
    assert parse_policy({"version": 1, "limits": [written(limit) for limit in policy.limits]}, "p") == policy


def test_problems_are_bounded() -> None:
    """A file with endless problems gets the first of them and says that there are more."""
    with pytest.raises(ConfigError) as refused:
        parse_policy({f"field{number}": 1 for number in range(10_000)}, "p")
    assert len(refused.value.problems) == MAX_PROBLEMS + 1
    assert "more problems" in refused.value.problems[-1]


@pytest.mark.parametrize(
    "value", [10**5000, -(10**5000), float("nan"), b"\xff", {1}, "\x1b[31m" * 99], ids=lambda value: type(value).__name__
)
def test_whatever_yaml_makes_is_reported(value: object) -> None:
    """No decoded value, however odd, breaks the message about it or a terminal."""
    with pytest.raises(ConfigError) as refused:
        parse_policy({"version": value, "limits": value, "identity": {"ipv6_prefix": value}}, "p")
    assert len(refused.value.problems) == 3
    assert all(line.isprintable() and len(line) < 250 for line in refused.value.problems)


def test_schema_describes_every_field() -> None:
    """The JSON Schema has a refill as text and names every field of a limit."""
    definitions = json_schema()["$defs"]
    assert definitions["Refill"]["type"] == "string"
    assert set(definitions["Limit"]["properties"]) == set(Limit.__struct_fields__)
