"""What the site's published policy has to say before more is kept: a sentence for each of `retention.keep`, and what is missing without.

The sentences are drafts in plain words for whoever answers for that policy; `{purchases}` is how long, as the policy in force has it. Pure.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ratelimit.core.policy_file import PolicyFile
from ratelimit.core.retention import OPTIONAL, Optional, Retention, days


class Amendment(Struct, frozen=True):
    """`name` is what `retention.keep` calls it, `missing` what does not work without it, `sentence` what would cover it."""

    name: Optional
    missing: str
    sentence: str


AMENDMENTS: Final = (
    Amendment(
        "card",
        "accounts are not linked by card: campaigns, the reach of a block, labels and dispute packs know nothing of cards",
        "When you pay by card we keep a code that our payment service derives from its number, never the number itself, to recognize a "
        "card that several accounts use. We keep it for {purchases}, against fraud.",
    ),
    Amendment(
        "device",
        "accounts are not linked by device, and dispute packs have none",
        "When you pay we keep a code by which we recognize the device that you pay with, for {purchases}, against fraud.",
    ),
    Amendment(
        "card_country",
        "a purchase is shown without its card's country, and backtests of rules that ask for it take it for missing",
        "When you pay by card we keep the country in which it was issued, for {purchases}, against fraud.",
    ),
    Amendment(
        "brand",
        "a purchase is shown without its card's brand, and backtests of rules that ask for it take it for missing",
        "When you pay by card we keep its brand, for {purchases}, against fraud.",
    ),
    Amendment(
        "funding",
        "a purchase is shown without whether its card is a credit, debit or prepaid one, and backtests of rules take that for missing",
        "When you pay by card we keep whether it is a credit, debit or prepaid one, for {purchases}, against fraud.",
    ),
)


def amendments(retention: Retention, *, on: bool) -> tuple[Amendment, ...]:
    """Those that are turned on, or those that are not, with their terms."""
    span = days(retention.purchases)
    chosen = [one for one in AMENDMENTS if (one.name in retention.keep) == on]
    return tuple(Amendment(one.name, one.missing, one.sentence.format(purchases=span)) for one in chosen)


def retention_notes(file: PolicyFile) -> Iterator[str]:
    """What a policy that judges purchases should know of what it does not keep, and what it has to have published of what it does."""
    buys = file.risk is not None and file.risk.purchases is not None
    if not buys and not any(rule.on == "purchase" for rule in file.rules):
        return
    if "card" not in file.retention.keep:
        (card,) = (one for one in amendments(file.retention, on=False) if one.name == "card")
        yield f"$.retention.keep: card is not in it, so {card.missing}; `ratelimit privacy inventory` has the sentence that would allow it"
    if file.retention.keep:
        kept = ", ".join(sorted(set(file.retention.keep) & OPTIONAL))
        yield f"$.retention.keep: {kept}: only if the site's published policy says so; `ratelimit privacy inventory` has sentences for it"
