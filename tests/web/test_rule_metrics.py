"""What `/metrics` says of rules."""

from ratelimit.service.rulebook import Rulebook
from ratelimit.web.rule_metrics import rule_figures
from tests.core.purchases import purchase
from tests.service.test_rulebook import GUARD, KEYS, policy, row, rule


def test_figures() -> None:
    """Each rule has its counts by whether it was enforced, and each guard whether it is on."""
    rules = Rulebook(policy(rule("s", "purchase.vpn", mode="shadow"), rule("e", "purchase.vpn || !purchase.hosting"), GUARD), KEYS)
    rules.purchase(purchase(), row(vpn=1.0, site_decline_ratio=9.0), 0.0)
    rules.purchase(purchase(), row(vpn=0.0), 0.0)
    found = {(sample.name, *sample.labels.values()): sample.value for metric in rule_figures(rules, 1.0) for sample in metric.samples}
    expected: dict[tuple[str, ...], float] = {
        **{("ratelimit_rule_evaluations_total", name): 2 for name in ("s", "e", "guard")},
        ("ratelimit_rule_matches_total", "s", "true"): 0,
        ("ratelimit_rule_matches_total", "s", "false"): 1,
        ("ratelimit_rule_matches_total", "e", "true"): 1,
        ("ratelimit_rule_matches_total", "e", "false"): 0,
        ("ratelimit_rule_matches_total", "guard", "true"): 0,
        ("ratelimit_rule_matches_total", "guard", "false"): 0,
        ("ratelimit_rule_undecided_total", "s"): 0,
        ("ratelimit_rule_undecided_total", "e"): 1,
        ("ratelimit_rule_undecided_total", "guard"): 0,
        ("ratelimit_rule_guard_on", "guard"): 1,
    }
    assert found == expected
