"""What fields of a rule must be together: the check that `policy_check` runs on each."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ratelimit.core.rule_part import split
from ratelimit.core.rule_program import problems_of
from ratelimit.core.signals import KINDS

Problems = Iterator[tuple[str, str]]

_PASSING: Final = {"review": "opens a case", "allow": "ends the reading of rules"}  # verdicts that never stand
_OF_HOLDS: Final = ("action", "hold", "lapse")


def rule_problems(given: Mapping[str, Any], data: Mapping[Any, Any]) -> Problems:
    """Every problem of a rule, of the fields that could be read; `data` is all that was written."""
    sound = False
    if {"on", "when"} <= given.keys():
        problems = problems_of(given)
        sound = not problems
        for problem in problems:
            yield ".when", problem
    if {"on", "then"} <= given.keys():
        yield from _throttle(given, data)
        yield from (_of_request(given, data) if given["on"] == "request" else _of_purchase(given, data))
        if sound:
            yield from _guard(given)
    for index, kind in enumerate(given.get("of", ())):
        if kind in given["of"][:index]:
            yield f".of[{index}]", f"{kind} is there twice; expected each kind once"
    if (lasts := given.get("for_")) is not None and not lasts.us:
        yield ".for", "0 stands for no time at all; expected a duration such as '10min' or '24h'"


def _throttle(given: Mapping[str, Any], data: Mapping[Any, Any]) -> Problems:
    of_request = given["on"] == "request"
    for name in _OF_HOLDS:
        if name in data and (of_request or given["then"] != "throttle"):
            yield f".{name}", f"means nothing to {_meant_for(given)}; expected it in a throttle of a purchase alone"
    meets_requests = of_request or (given.get("for_") is not None and bool(given.get("of")) and given.get("scope") in {"request", "both"})
    if given["then"] == "throttle" and meets_requests and data.get("bucket") is None:
        yield ".bucket", "is missing; expected the bucket of whoever is throttled, such as {capacity: 5, refill_ratio: 0.25}"
    if data.get("bucket") is not None and not (given["then"] == "throttle" and meets_requests):
        yield ".bucket", f"means nothing to {_meant_for(given)}; expected it in a throttle that stands for requests"


def _meant_for(given: Mapping[str, Any]) -> str:
    return f"a rule on {given['on']} that says {given['then']}"


def _of_request(given: Mapping[str, Any], data: Mapping[Any, Any]) -> Problems:
    for index, kind in enumerate(given.get("of", ())):
        if kind not in KINDS:
            yield f".of[{index}]", f"{kind} is not a subject of requests; expected one of {', '.join(KINDS)}"
    yield from _passing(given, data, ("for", "scope"))


def _passing(given: Mapping[str, Any], data: Mapping[Any, Any], names: tuple[str, ...]) -> Problems:
    if (does := _PASSING.get(given["then"])) is not None:
        for name in names:
            if name in data:
                yield f".{name}", f"means nothing to {given['then']}, which {does}; expected none"


def _of_purchase(given: Mapping[str, Any], data: Mapping[Any, Any]) -> Problems:
    of, lasts = given.get("of"), data.get("for") is not None
    yield from _passing(given, data, ("of", "for", "scope"))
    if given["then"] in _PASSING:
        return
    if of and not lasts:
        yield ".of", "says about whom the verdict stands, and nothing says for how long; expected `for: 1h` or the like beside it"
    if "scope" in data and not (of and lasts):
        yield ".scope", "means nothing to a verdict that does not stand; expected `of` and `for` beside it"


def _guard(given: Mapping[str, Any]) -> Problems:
    if given["on"] == "purchase" and given.get("for_") is not None and not given.get("of") and given["then"] not in _PASSING:
        site, _ = split(given["when"], "site")
        if not site:
            yield ".for", "stands for nobody; expected `of`, or a part of `when`, joined by &&, that is about site.NAME alone"
