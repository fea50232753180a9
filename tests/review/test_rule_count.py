"""What rules on requests met, by day."""

from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rules import days
from ratelimit.review.model_drift import Sample
from ratelimit.review.rule_count import RuleCounter
from ratelimit.review.rule_draft import Drafts
from tests.review.rule_ledger import CARDS, DAY_S, NOW
from tests.review.rule_site import MIRA

LOGINS = {"name": "logins", "on": "request", "when": "request.failed_logins_10m >= 10", "then": "block", "reason": "x"}
DAY = "2027-01-15"


def sample(rule: str, value: float, enforced: str = "false") -> Sample:
    return ("ratelimit_rule_matches_total", {"rule": rule, "enforced": enforced}, value)


async def test_counts(ledger: Ledger) -> None:
    """What was added since the look before is written by version and day; of purchases nothing, and a count that fell began anew."""
    drafts = Drafts(ledger, lambda: NOW)
    await drafts.draft_rule(MIRA, "logins", LOGINS)
    await drafts.draft_rule(MIRA, "cards", CARDS)
    now, samples = NOW, [sample("logins@1", 5.0), sample("logins@1", 2.0)]

    async def figures() -> list[Sample]:
        return samples

    counter = RuleCounter(ledger, figures, lambda: now)
    await counter.look()
    samples = [
        sample("logins@1", 9.0),
        sample("logins@1", 2.0),
        sample("logins@1", 1.0, "true"),
        sample("cards@1", 7.0),
        sample("gone", 3.0),
    ]
    await counter.look()
    samples = [sample("logins@1", 3.0), sample("other_total", 9.0)]
    await counter.look()
    now += DAY_S
    samples = [sample("logins@1", 4.0)]
    await counter.look()
    async with ledger.read() as connection:
        assert await days(connection, ["logins", "cards", "gone"], "2027-01-01") == {
            ("logins", 1, DAY, True): 4 + 3,
            ("logins", 1, DAY, False): 1,
            ("logins", 1, "2027-01-16", True): 1,
        }
