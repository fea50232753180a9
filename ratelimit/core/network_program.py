"""When card networks hold a merchant to have too many disputes. Pure; ratios are shares, counts are of one calendar month.

Visa Acquirer Monitoring Program (VAMP), in force since 2025-06-01: fraud reports and disputes, both of card-not-present payments, over the
payments settled in the month. A merchant is *excessive* from 2.20 % on, since 2026-04-01 from 1.50 % on (outside of the Middle East and
North Africa), where both together are more than 1,500. https://support.checkout.com/hc/en-us/articles/23330844282514 has the table.

Mastercard Excessive Chargeback Program, since 2019-10: chargebacks of a month over the payments of the month before. An *excessive
chargeback merchant* (ECM) has at least 100 and 1.50 %, a *high excessive* one (HECM) at least 300 and 3.00 %.
https://developer.paypal.com/braintree/articles/risk-and-security/card-brand-monitoring-programs/mastercard-programs/excessive-chargeback-program
"""

from typing import Final, NamedTuple


class Threshold(NamedTuple):
    """Both must be reached."""

    name: str
    ratio: float
    least: int


VAMP_EXCESSIVE: Final = Threshold("Visa VAMP excessive", 0.015, 1_501)
ECM: Final = Threshold("Mastercard ECM", 0.015, 100)
HECM: Final = Threshold("Mastercard HECM", 0.03, 300)
NEAR: Final = 0.65  # of a threshold's ratio, from which on it is time to act: a month's disputes go on coming in


def reached(threshold: Threshold, count: int, whole: int) -> bool:
    """Whether so many of so many payments are too many."""
    return count >= threshold.least and bool(whole) and count / whole >= threshold.ratio


def is_near(threshold: Threshold, count: int, whole: int) -> bool:
    """Whether it comes near the threshold: the ratio near its own, and the count a tenth of its own."""
    return count * 10 >= threshold.least and bool(whole) and count / whole >= NEAR * threshold.ratio
