"""Events: what a line needs, and which times are fresh."""

import pytest

from ratelimit.core.event import MOST_AHEAD_US, MOST_BACK_US, Event, RefusedEventError, check, decode

NOW_US = 1_790_000_000_000_000
REQUEST = b'"method":"GET","path":"/","status":200,"api_key":"k"'


def refusal(line: bytes) -> tuple[str, str, str] | None:
    try:
        check(decode(line), NOW_US)
    except RefusedEventError as refused:
        return refused.refusal, refused.path, refused.detail
    return None


@pytest.mark.parametrize(
    ("offset_us", "expected"),
    [
        (0, None),
        (MOST_AHEAD_US, None),
        (MOST_AHEAD_US + 1_000_000, "too_new"),
        (-MOST_BACK_US, None),
        (-MOST_BACK_US - 1_000_000, "too_old"),
    ],
)
def test_only_the_last_day(offset_us: int, expected: str | None) -> None:
    """From a day ago to five minutes ahead; what is further off is refused, and says by how much."""
    found = refusal(b'{"time":%d,%s}' % ((NOW_US + offset_us) // 1_000_000, REQUEST))
    assert (found and found[0]) == expected
    if found is not None:
        assert found[1] == "$.time"
        assert str(abs(offset_us) // 1_000_000) in found[2]


@pytest.mark.parametrize("time", [b'"2026-09-21T14:13:20Z"', b'"2026-09-21T16:13:20.5+02:00"', b"1790000000", b"1790000000.25"])
def test_ways_to_write_a_time(time: bytes) -> None:
    """RFC 3339 and seconds since the epoch."""
    assert refusal(b'{"time":%s,%s}' % (time, REQUEST)) is None


@pytest.mark.parametrize(
    ("line", "path", "detail"),
    [
        (b'{"time":1790000000,"path":"/","status":200,"api_key":"k"}', "$.method", "is missing"),
        (b'{"time":1790000000,"method":"GET","status":200,"api_key":"k"}', "$.path", "is missing"),
        (b'{"time":1790000000,"method":"GET","path":"/","api_key":"k"}', "$.status", "is missing"),
        (b'{"time":1790000000,"method":"GET","path":"/","status":200}', "$", "at least one of api_key, ip, account"),
        (b'{"time":1790000000,"type":"login"}', "$", "at least one of api_key, ip, account"),
        (b'{"time":"yesterday","method":"GET","path":"/","status":200,"ip":"::1"}', "$.time", "RFC 3339"),
        (b'{"time":-5,"method":"GET","path":"/","status":200,"ip":"::1"}', "$.time", "not an instant"),
    ],
)
def test_what_is_missing_is_named(line: bytes, path: str, detail: str) -> None:
    """A wrong event is refused with the path of what is wrong."""
    found = refusal(line)
    assert found is not None
    assert found[:2] == ("invalid", path)
    assert detail in found[2]


def test_a_life_event_needs_only_somebody() -> None:
    """A login has no method, path or status."""
    assert refusal(b'{"time":1790000000,"type":"login_failed","account":"a"}') is None


def test_an_event_shows_no_key() -> None:
    """What a log or a traceback may print has no secret in it."""
    assert "secret" not in repr(Event(1.0, api_key="secret-key"))
