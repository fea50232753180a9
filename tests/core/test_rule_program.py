"""What a condition says where values are missing, and the parts that it falls into."""

import numpy as np
import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.core.purchase_signals import COLUMN
from ratelimit.core.rule import Rule
from ratelimit.core.rule_names import NAMES
from ratelimit.core.rule_part import split
from ratelimit.core.rule_program import Condition, Values, compiled_rule, context
from ratelimit.core.rule_screen import screen
from ratelimit.core.units import Duration

VALUES: Values = {"purchase": {"amount": 3.0, "vpn": True, "currency": "USD"}, "site": {}}

# cards_1h, hosting and account are missing
MISSING = [
    ("purchase.cards_1h >= 3", None),
    ("!(purchase.cards_1h >= 3)", None),
    ("purchase.cards_1h != 3", None),
    ("purchase.cards_1h < 3 || purchase.cards_1h >= 3", None),
    ("purchase.cards_1h >= 3 || purchase.vpn", True),
    ("purchase.vpn || purchase.cards_1h >= 3", True),
    ("purchase.cards_1h >= 3 && purchase.vpn", None),
    ("purchase.cards_1h >= 3 && !purchase.vpn", False),
    ("!purchase.vpn && purchase.cards_1h >= 3", False),
    ("!(purchase.cards_1h >= 3 && !purchase.vpn)", True),
    ("purchase.hosting", None),
    ("!purchase.hosting", None),
    ("purchase.hosting ? true : true", None),
    ("purchase.vpn ? purchase.amount == 3 : purchase.hosting", True),
    ("purchase.account.startsWith('a')", None),
    ("purchase.account in ['a', 'b']", None),
    ("purchase.amount + purchase.cards_1h > 0.0", None),
    ("has(purchase.cards_1h)", False),
    ("!has(purchase.cards_1h) || purchase.cards_1h >= 3", True),
    ("has(purchase.cards_1h) && purchase.cards_1h >= 3", False),
    ("site.decline_ratio > 3", None),
    ("purchase.amount / 0.0 > 1e300", True),
    ("0.0 / (purchase.amount - 3.0) >= 0.0", None),
    ("!(0.0 / (purchase.amount - 3.0) >= 0.0)", None),
    ("int(purchase.amount / 0.0) == 3", None),
    ("int(purchase.amount) % 2 == 1", True),
    ("purchase.currency.matches('^U.D$')", True),
]


@pytest.mark.parametrize(("when", "holds"), MISSING)
def test_missing_values(when: str, holds: bool | None) -> None:
    """What hangs on a missing value does not hold, and nor does its negation; what does not hang on it is decided. NaN is missing."""
    assert Condition(when, NAMES["purchase"]).holds(context(VALUES)) is holds


# amount is 3, vpn is true, hosting is false, cards_1h is missing
SCREENED = [
    ("purchase.amount >= 3", True),
    ("4 < purchase.amount", False),
    ("purchase.vpn && purchase.amount < 4.5", True),
    ("purchase.hosting", False),
    ("purchase.cards_1h < 3", False),
    ("purchase.cards_1h < 3 || purchase.vpn", True),
    ("purchase.hosting || (purchase.cards_1h >= 3 || purchase.amount > 3) && purchase.vpn", False),
    ("purchase.hosting || purchase.currency == 'USD'", True),  # nobody has looked at the currency yet
    ("purchase.hosting && purchase.currency == 'USD'", False),
    ("!purchase.vpn", True),
    ("purchase.amount != 3", True),
    ("purchase.amount > purchase.cards_1h", True),
    ("purchase.vpn ? purchase.hosting : true", True),
    ("true", True),
]


@pytest.mark.parametrize(("when", "passes"), SCREENED)
def test_screen(when: str, passes: bool) -> None:
    """A screen stops what cannot hold by single signals, one row or many; what it does not look into it lets through."""
    row = np.full(len(COLUMN), np.nan)
    row[COLUMN["amount"]], row[COLUMN["vpn"]], row[COLUMN["hosting"]] = 3.0, 1.0, 0.0
    found = screen(when, NAMES["purchase"])
    assert found(row.tolist()) is passes
    assert np.broadcast_to(found(np.array([row, row]).T), 2).tolist() == [passes] * 2


def test_split() -> None:
    """What is said of the site alone stands apart from the rest, whatever is in brackets."""
    when = "(site.decline_ratio > 3 || site.attempts_ratio > 9)"
    when += " && (purchase.vpn && site.attempts_10m > 5) && purchase.tokens > site.attempts_10m"
    site, rest = split(when, "site")
    assert site == "(site.decline_ratio > 3 || site.attempts_ratio > 9) && (site.attempts_10m > 5)"
    assert rest == "(purchase.vpn) && (purchase.tokens > site.attempts_10m)"


def test_guard_is_in_two_parts() -> None:
    """A rule with `for` and without `of` is a guard; one that is about the site alone is about everybody while it is on."""
    rule = Rule(name="g", on="purchase", when="site.decline_ratio > 3", then="throttle", reason="x", for_=Duration.parse("1h"))
    found = compiled_rule(rule)
    assert found.guard is not None
    assert found.guard.holds(context({"purchase": {}, "site": {"decline_ratio": 4.0}}))
    assert found.condition.holds(context({"purchase": {}, "site": {}}))


def test_unsound_rule_is_refused() -> None:
    """A rule that was not read from a file is checked as well."""
    with pytest.raises(ConfigError, match=r"rule r: column 1: purchase\.x is not a signal"):
        compiled_rule(Rule(name="r", on="purchase", when="purchase.x > 3", then="block", reason="x"))
