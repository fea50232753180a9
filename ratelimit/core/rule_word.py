"""The words that verdicts of rules become where they stand for a while: which, about whom, and until when.

What a throttle comes to, a hold or a smaller bucket beside each limit, stands in the rule of the policy; the word's author is its name.
A word of a rule has the id `rule:NAME:KIND:VALUE`, so a rule has one word about a target, and a verdict that comes again prolongs it.
"""

from typing import Final

from ratelimit.core.rule import Rule
from ratelimit.core.standing import Standing, Target
from ratelimit.core.units import Duration

REQUEST_LASTS: Final = Duration.parse("10min")  # the verdict on a subject of requests that says nothing else

_RENEWED: Final = 0.5  # of the time that is left: a verdict that comes each second writes twice in its span


def word_id(rule: str, target: Target) -> str:
    """The id of a rule's word about a target."""
    return f"rule:{rule}:{target}"


def word_of(rule: Rule, target: Target, now_s: float) -> Standing | None:
    """The word; None where the rule says nothing that stands."""
    if rule.then == "allow" or rule.then == "review":  # noqa: PLR1714 - so that types see what is left
        return None
    lasts = rule.for_ if rule.for_ is not None else REQUEST_LASTS
    return Standing(
        id=word_id(rule.name, target),
        target=target,
        then=rule.then,
        source="rule",
        reason=rule.reason,
        author=rule.name,
        made_at=now_s,
        until=now_s + lasts.seconds,
        scope=rule.scope or rule.on,
    )


def fresh(word: Standing | None, wanted: Standing) -> bool:
    """Whether a word that stands says the same, and for long enough that it need not be prolonged yet."""
    if word is None or word.until is None or wanted.until is None:
        return False
    same = (word.then, word.scope, word.reason) == (wanted.then, wanted.scope, wanted.reason)
    return same and word.until - wanted.made_at >= _RENEWED * (wanted.until - wanted.made_at)
