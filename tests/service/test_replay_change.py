"""Two policies over one log: what changes, for how many, and for whom."""

from random import Random

import msgspec
import pytest

from ratelimit.core.identity import ApiKeys, Caller
from ratelimit.core.log_entry import Entry
from ratelimit.core.policy import Policy
from ratelimit.core.units import US_PER_S
from ratelimit.service.policy_source import make_policy
from ratelimit.service.replay import Replay
from ratelimit.service.replay_report import ChangeReport, Comparison, Report
from ratelimit.service.replay_trial import Refusal
from ratelimit.service.replay_visitor import who

KEYS = ApiKeys(bytes(32))
START_US = 1_671_704_818 * US_PER_S
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ONE = "{name: one, per: [ip], bucket: {capacity: 1, refill: 1/h}}"
TWO = "{name: two, per: [ip], bucket: {capacity: 2, refill: 1/h}}"
KEYED = "{name: keyed, per: [api_key], bucket: {capacity: 3, refill: 1/min}}"
PATH = "{name: path, per: [ip], match: {path: [/only]}, bucket: {capacity: 1, refill: 1/min}}"


class Verdicts:
    """Who was refused by what, in order."""

    def __init__(self) -> None:
        self.seen: list[tuple[Entry, Caller, Refusal | None]] = []

    def see(self, now_us: int, entry: Entry, caller: Caller, refusal: Refusal | None) -> None:
        assert now_us >= entry.time_us
        self.seen.append((entry, caller, refusal))


def at(second: float, path: str = "/", ip: str = "203.0.113.7", api_key: str | None = None, status: int = 200) -> Entry:
    return Entry(START_US + round(second * US_PER_S), "GET", path, ip, api_key, status=status, user_agent=FIREFOX)


def made(limits: str) -> Policy:
    return make_policy(f"{{version: 1, limits: [{limits}]}}".encode(), limits)


def replayed(policy: str, against: str | None, entries: list[Entry], top: int = 10) -> tuple[Report, Verdicts]:
    verdicts = Verdicts()
    run = Replay(made(policy), KEYS, against=made(against) if against else None, observer=verdicts)
    run.run(entries)
    return run.report([], top), verdicts


def compared(policy: str, against: str, entries: list[Entry], top: int = 10) -> Comparison:
    comparison = replayed(policy, against, entries, top)[0].comparison
    assert comparison
    return comparison


def test_without_a_second_policy_there_is_no_comparison() -> None:
    """The report says so, and the timeline has one policy."""
    report, _ = replayed(ONE, None, [at(0)])
    assert report.comparison is None
    assert report.timeline
    assert report.timeline.refused_against is None


def test_requests_and_callers_change_sides() -> None:
    """One that both admit, one that both refuse, and one that only the second refuses."""
    entries = [at(0), at(1), at(2), at(3, ip="198.51.100.9"), at(4, ip="198.51.100.10"), at(5, ip="198.51.100.10")]
    found = compared(TWO, ONE, entries)
    assert found.requests == ChangeReport(both_admitted=3, newly_refused=2, newly_admitted=0, both_refused=1)
    assert found.callers == ChangeReport(both_admitted=1, newly_refused=1, newly_admitted=0, both_refused=1)
    assert [(one.name, one.newly_refused, one.newly_admitted) for one in found.limits] == [("one", 2, 0)]
    assert [(one.caller, one.refused, one.refused_against) for one in found.top] == [("ip:203.0.113.7", 1, 2), ("ip:198.51.100.10", 0, 1)]
    assert (found.against.admitted, found.against.refused, found.against.limits[0].name) == (3, 3, "one")


def test_the_reverse_has_the_sides_turned() -> None:
    """What one way is newly refused is newly admitted the other way."""
    entries = [at(0), at(1), at(2)]
    there, back = compared(TWO, ONE, entries), compared(ONE, TWO, entries)
    assert (
        (there.requests.newly_refused, there.requests.newly_admitted)
        == (back.requests.newly_admitted, back.requests.newly_refused)
        == (1, 0)
    )
    assert [(one.name, one.newly_refused, one.newly_admitted) for one in back.limits] == [("one", 0, 1)]


def test_each_policy_is_charged_for_what_it_admits() -> None:
    """The second policy's buckets know nothing of what the first refused."""
    report, _ = replayed(ONE, TWO, [at(0), at(1), at(2)])
    alone, _ = replayed(TWO, None, [at(0), at(1), at(2)])
    assert report.comparison
    assert report.comparison.against.limits == alone.limits


def test_honest_looking_callers_are_counted() -> None:
    """Of two that are newly refused, one was once answered 403."""
    entries = [at(0), at(1), at(2, ip="198.51.100.9"), at(3, ip="198.51.100.9", status=403), at(4, ip="198.51.100.10")]
    found = compared(TWO, ONE, entries)
    assert (found.honest_callers, found.honest_newly_refused, found.honest_newly_admitted) == (2, 1, 0)
    assert {one.caller: one.looks_honest for one in found.top} == {"ip:203.0.113.7": True, "ip:198.51.100.9": False}


def test_no_raw_api_key_is_in_the_comparison() -> None:
    """A caller with a key is named by its digest."""
    found = compared(TWO, ONE, [at(0, api_key="sk_live_1"), at(1, api_key="sk_live_1")])
    assert found.top[0].caller == f"api_key:{KEYS.digest('sk_live_1')}"
    assert b"sk_live_1" not in msgspec.json.encode(found)


def test_a_caller_whom_nothing_names_counts_as_a_request_only() -> None:
    """Without key, account and address there is nobody to be counted."""
    found = compared(TWO, "{name: one, per: [ip], missing: deny, bucket: {capacity: 1, refill: 1/h}}", [at(0)._replace(ip=None)])
    assert (found.requests.newly_refused, found.callers, found.top) == (1, ChangeReport(0, 0, 0, 0), [])


@pytest.mark.parametrize("seed", range(5))
def test_a_comparison_is_what_two_runs_say(seed: int) -> None:
    """On any traffic, two policies in one pass answer each request as each of them does alone."""
    chance = Random(seed)
    entries = [
        at(second / 2, chance.choice(["/", "/only"]), f"203.0.113.{chance.randrange(6)}", chance.choice([None, "a", "b"]))
        for second in range(400)
    ]
    first, second = f"{TWO}, {KEYED}", f"{PATH}, {KEYED}"
    both = list(zip(replayed(first, None, entries)[1].seen, replayed(second, None, entries)[1].seen, strict=True))
    found = compared(first, second, entries, top=0)
    sides = [(bool(one[2]), bool(other[2])) for one, other in both]
    callers: dict[object, list[tuple[bool, bool]]] = {}
    for (_, caller, _), side in zip((one for one, _ in both), sides, strict=True):
        callers.setdefault(who(caller), []).append(side)
    of_callers = [(any(one for one, _ in all_of), any(other for _, other in all_of)) for all_of in callers.values()]
    assert found.requests == sides_of(sides)
    assert found.callers == sides_of(of_callers)
    assert found.requests.newly_refused > 0 < found.requests.newly_admitted
    assert {one.name: one.newly_refused for one in found.limits if one.newly_refused} == limits_of([(b, a) for a, b in both])
    assert {one.name: one.newly_admitted for one in found.limits if one.newly_admitted} == limits_of(both)


def sides_of(sides: list[tuple[bool, bool]]) -> ChangeReport:
    return ChangeReport(*(sides.count(side) for side in ((False, False), (False, True), (True, False), (True, True))))


Seen = tuple[Entry, Caller, Refusal | None]


def limits_of(pairs: list[tuple[Seen, Seen]]) -> dict[str, int]:
    """How often each limit refused what the other policy admits."""
    names = [refusal.limit for (_, _, refusal), (_, _, other) in pairs if refusal and not other]
    return {name: names.count(name) for name in names}


def test_an_observer_sees_requests_and_events_in_order() -> None:
    """Each request with the first policy's answer, each event of an account's life with none; nothing that is not asked."""
    login = at(1)._replace(method="", path="", account="a", kind="login")
    nothing = at(2)._replace(method="", path="")
    _, verdicts = replayed(ONE, TWO, [at(0), login, nothing, at(3), at(2)])
    assert [(entry.kind, caller.ip, refusal and refusal.limit) for entry, caller, refusal in verdicts.seen] == [
        ("request", b"\xcb\x00\x71\x07", None),
        ("login", b"\xcb\x00\x71\x07", None),
        ("request", b"\xcb\x00\x71\x07", "one"),
        ("request", b"\xcb\x00\x71\x07", "one"),
    ]
    assert verdicts.seen[1][1].account == "a"
    assert verdicts.seen[3][2] == Refusal("one", "rate_exceeded")
