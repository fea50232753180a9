"""What of a policy's lists cannot be, beyond their shape, and what is strange about them; of items in a file, by file and line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ratelimit.core.expectation import shown
from ratelimit.core.list_item import Item, ItemError, parse_item
from ratelimit.core.list_rule import ListRule
from ratelimit.core.listing import ends_at
from ratelimit.core.policy_shape import Data, Given

MOST_ITEMS: Final = 1_000_000  # of a file
_ANY_PREFIX: Final = 64  # what an item is does not hang on it
_LEAST_BITS: Final = {4: 8, 6: 16}  # of a network in a file, by version: one line of a feed must not block or allow everybody
_MOST_SAID: Final = 5  # broken lines of a file that are quoted
_IN_REQUESTS: Final = frozenset({"api_key", "ip", "account", "network"})


def list_problems(given: Given, data: Data) -> Iterator[tuple[str, str]]:
    """What must be together in a list."""
    if (then := data.get("then") is not None) == (data.get("signal") is not None):
        found = "has both then and signal" if then else "has neither then nor signal"
        yield "", f"{found}; expected then: allow or block, or the signal that it feeds"
    if (inline := bool(data.get("subjects"))) == (data.get("file") is not None):
        found = "has both subjects and file" if inline else "names nobody"
        yield "", f"{found}; expected subjects, or a file of one item a line"
    for index, text in enumerate(given.get("subjects", ())):
        try:
            item = parse_item(text, _ANY_PREFIX)
        except ItemError as error:
            yield f".subjects[{index}]", str(error)
        else:
            if problem := _unfit(item, given):
                yield f".subjects[{index}]", problem
    if (until := given.get("until")) is not None:
        try:
            ends_at(until)
        except ValueError:
            text = "is not a date or a time with its offset; expected one such as 2027-01-31 or 2027-01-31T12:00:00Z"
            yield ".until", f"{shown(until)} {text}"


def file_items(content: bytes, rule: ListRule, source: str) -> tuple[tuple[str, ...], list[str]]:
    """The items in a list's file, and what is wrong with it. What follows a `#` after a space, or begins with it, is a comment."""
    given: Given = {"signal": rule.signal, "scope": rule.scope}
    items: list[str] = []
    problems: list[str] = []
    broken = 0
    for number, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        text = f" {line}".partition(" #")[0].strip()
        if not text:
            continue
        items.append(text)
        try:
            item = parse_item(text, _ANY_PREFIX)
            problem = _unfit(item, given) or _too_wide(item, rule)
        except ItemError as error:
            problem = str(error)
        if problem:
            broken += 1
            if broken <= _MOST_SAID:
                problems.append(f"{source}:{number}: {problem}")
    if broken > _MOST_SAID:
        problems.append(f"{source}: {broken - _MOST_SAID} more of its {len(items)} items cannot be used")
    if not items:
        problems.append(f"{source}: names nobody; expected one item a line")
    if len(items) > MOST_ITEMS:
        problems.append(f"{source}: has {len(items)} items; expected at most {MOST_ITEMS}")
    return tuple(items), problems


def list_warnings(lists: Sequence[ListRule], listed: Mapping[str, Sequence[str]], now_s: float) -> Iterator[str]:
    """What is allowed and yet is probably not what is meant; items are compared as they are written."""
    blocked: dict[str, str] = {}
    for index, rule in enumerate(lists):
        items = listed.get(rule.name, rule.subjects)
        if rule.until is not None and ends_at(rule.until) <= now_s:
            yield f"$.lists[{index}].until: {rule.name} ended at {rule.until}, so it says nothing any more"
        if twice := len(items) - len(set(items)):
            yield f"$.lists[{index}]: {rule.name} names {twice} of its items more than once"
        if rule.then == "block":
            blocked |= dict.fromkeys(items, rule.name)
    for index, rule in enumerate(lists):
        both = next((text for text in listed.get(rule.name, rule.subjects) if text in blocked), None) if rule.then == "allow" else None
        if both is not None:
            yield f"$.lists[{index}]: {rule.name} allows {both}, which {blocked[both]} blocks, and a block beats an allow"


def _too_wide(item: Item, rule: ListRule) -> str | None:
    if item.kind != "network" or rule.then is None:
        return None
    least = _LEAST_BITS[6 if ":" in item.value else 4]
    if int(item.value.rpartition("/")[2]) >= least:
        return None
    return f"{item.value} is met by a great many; expected a prefix of {least} bits or more, or the network among the policy's own subjects"


def _unfit(item: Item, given: Given) -> str | None:
    if given.get("signal") is not None and item.kind not in {"ip", "network"}:
        return f"{item.kind}:{shown(item.value)[1:-1]} has no address, and a signal is about addresses; expected an address or a network"
    if given.get("scope") == "request" and item.kind not in _IN_REQUESTS:
        return f"no request is known by its {item.kind}; expected scope: purchase or both, or another item"
    return None
