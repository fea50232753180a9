"""What words that stand, lists, and rules that hold say of a purchase.

Who says it is named as it is in the answer: a rule by its name, which holds no colon, else `override:ID` or `list:NAME`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from ratelimit.core.decision import Source, Verdict
from ratelimit.core.listing import PolicyList
from ratelimit.core.passage import name_of
from ratelimit.core.purchase_verdict import HOLD_RATIO, LAPSE_S, Said
from ratelimit.core.rule import Rule
from ratelimit.core.standing import Standing

# what else stands is for requests: other buckets, exemption from limits, and holds, which the limits keep
_VERDICTS: Final[Mapping[str, Verdict]] = {"block": "block", "throttle": "throttle", "allow": "allow"}


def said_by_words(words: Iterable[Standing], rules: Mapping[str, Rule]) -> Iterable[Said]:
    """A throttle by a rule's word is as that rule of the policy has it."""
    for word in words:
        verdict = _VERDICTS.get(word.then)
        if verdict is None:
            continue
        if word.source == "rule":
            rule = rules.get(word.author)
            yield said_by_rule(rule, verdict, enforced=True) if rule is not None else _plain("rule", verdict, word.author)
        else:
            yield _plain("override", verdict, name_of(word))


def said_by_lists(lists: Iterable[PolicyList]) -> Iterable[Said]:
    """What the lists say that somebody is on."""
    for it in lists:
        it.hits += 1
        if it.rule.then is not None:
            yield Said("list", it.rule.then, name_of(it), enforced=it.mode == "enforce")


def said_by_rule(rule: Rule, verdict: Verdict, *, enforced: bool) -> Said:
    """What a rule says whose condition holds, or whose verdict stands."""
    challenges = rule.action == "challenge"
    hold = 0.0 if challenges else rule.hold
    return Said("rule", verdict, rule.name, hold, rule.lapse.seconds, challenges, enforced)


def _plain(source: Source, verdict: Verdict, by: str) -> Said:
    return Said(source, verdict, by, HOLD_RATIO, LAPSE_S)
