"""Signals of a purchase: numbers about the recent past of what it shares with others, and of the site; the input of model and rules.

The attempt that is judged is never in them, nor is anything that was not known at its time. An attempt counts at once, its decline from
when we know of it. Counts are of the newest attempts that are kept (core/velocity), so of a very busy address they are at least that many.
Values are in natural units, NaN is a missing value: of what the purchase has not told us there is none, of what was never seen there is 0.
A change in what a signal means, or in their order, is a new VERSION, and a model of another one is refused.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

VERSION: Final = 1
SPANS: Final = ("1h", "1d", "7d", "30d")
SPANS_S: Final = (3_600.0, 86_400.0, 604_800.0, 2_592_000.0)
LEAST_ATTEMPTS_10M: Final = 15  # attempts (or setups) of the last ten minutes under which a share of them says nothing
LEAST_ATTEMPTS_USUAL: Final = 100  # the same for the hours whose number they are compared with
PRIOR_SHARE: Final = 0.08  # declined where nothing is known yet, and setups that fail; what the site's own hours say is added to it
PRIOR_ATTEMPTS: Final = 50  # so many weigh as much as that
LEAST_AMOUNTS: Final = 3  # of an account under which nothing is usual for it

Row = NDArray[np.float64]


class Signal(NamedTuple):
    """`name` is its word everywhere, in rules after `purchase.` (without `site_` after `site.`)."""

    name: str
    unit: str
    meaning: str


_MEASURES: Final = {
    "attempts": ("attempts", "of purchases, setups and grants"),
    "amount": ("major units", "asked for"),
    "declines": ("attempts", "declined"),
    "checks_failed": ("attempts", "whose CVC or postal code was wrong"),
    "cards": ("cards", "different ones"),
    "accounts": ("accounts", "different ones"),
}
_LASTING: Final = {"1h": "hour", "1d": "day", "7d": "7 days", "30d": "30 days"}
_WHOSE: Final = {
    "account": "by the account",
    "card": "with the card",
    "ip": "from the address",
    "network": "from the /24 or /48",
    "device": "by the device",
    "email": "with the mailbox",
    "email_domain": "with mailboxes of that domain",
}
# what is counted of each kind of entity, and over which spans; those of the account go without its name
COUNTED: Final = (
    ("account", "attempts amount declines checks_failed cards".split(), SPANS),
    ("card", "attempts amount declines accounts".split(), SPANS),
    ("ip", "attempts amount declines cards accounts".split(), SPANS),
    ("device", "attempts amount declines cards accounts".split(), SPANS),
    ("email", "attempts amount declines cards accounts".split(), SPANS),
    ("network", "attempts declines accounts".split(), SPANS[:2]),
    ("email_domain", "attempts declines accounts".split(), SPANS[:2]),
)
AGED: Final = ("account", "card", "ip", "device", "email")
LABELLED: Final = ("ip", "network", "device", "email_domain")
LABEL_SPANS: Final = SPANS[1:]
SINCE_FRAUD: Final = ("card", "ip", "network", "device")


def counted(kind: str, measure: str, span: str) -> str:
    """The name of a count."""
    return f"{measure}_{span}" if kind == "account" else f"{kind}_{measure}_{span}"


_COUNTS: Final = tuple(
    Signal(counted(kind, measure, span), _MEASURES[measure][0], f"{_MEASURES[measure][1]}, {_WHOSE[kind]}, in the last {_LASTING[span]}")
    for kind, measures, spans in COUNTED
    for measure in measures
    for span in spans
)
_MEANS: Final = tuple(
    Signal(f"amount_mean_{span}", "major units", f"amount over attempts of the account in the last {_LASTING[span]}") for span in SPANS[1:]
)
_AGES: Final = tuple(Signal(f"{kind}_age_s", "s", f"since the {kind} was first seen in a purchase; 0: now") for kind in AGED)
_FRAUDS: Final = tuple(
    Signal(f"{kind}_frauds", "purchases", f"confirmed as fraud, {whose}, of all that is kept") for kind, whose in _WHOSE.items()
)
_SINCE: Final = tuple(Signal(f"{kind}_since_fraud_s", "s", f"since the latest fraud {_WHOSE[kind]} was confirmed") for kind in SINCE_FRAUD)
_SHARES: Final = tuple(
    signal
    for kind in LABELLED
    for span in LABEL_SPANS
    for signal in (
        Signal(f"{kind}_fraud_share_{span}", "share", f"fraud among what was confirmed in the last {_LASTING[span]}, {_WHOSE[kind]}"),
        Signal(f"{kind}_labels_{span}", "purchases", f"confirmed as fraud or good in the last {_LASTING[span]}, {_WHOSE[kind]}"),
    )
)
_FEW_AMOUNTS: Final = f"missing under {LEAST_AMOUNTS}"
_FACTS: Final = (
    Signal("amount", "major units", "asked for now"),
    Signal("amount_ratio", "ratio", f"over the median of the account's amounts that are kept; {_FEW_AMOUNTS}"),
    Signal("amount_over_max", "ratio", f"over the largest of the account's amounts that are kept; {_FEW_AMOUNTS}"),
    Signal("amount_deviation", "deviations", f"standard ones from the mean of the account's amounts that are kept; {_FEW_AMOUNTS}"),
    Signal("tokens_per_amount", "tokens", "asked for, per major unit"),
    Signal("attempt", "attempts", "which one of this purchase it is"),
    Signal("new_card", "0 or 1", "the account is not known to have used the card"),
    Signal("account_created_age_s", "s", "since the account was made, as the site says"),
    Signal("since_account_s", "s", "since the account's attempt before this"),
    Signal("since_card_s", "s", "since the card's attempt before this"),
    Signal("failures_in_row", "attempts", "of the account declined since its latest success"),
    Signal("failures_then_success", "attempts", "of the account declined right before its latest success"),
    Signal("card_ip_mismatch", "0 or 1", "the card's country is not the address's"),
    Signal("card_billing_mismatch", "0 or 1", "the card's country is not the billing address's"),
    Signal("ip_billing_mismatch", "0 or 1", "the address's country is not the billing address's"),
    Signal("prepaid", "0 or 1", "the card is a prepaid one"),
    Signal("disposable_email", "0 or 1", "the email's domain is known for throw-away mailboxes"),
    Signal("hosting", "0 or 1", "the address is in a network of a hosting company"),
    Signal("vpn", "0 or 1", "the address is in a VPN network"),
    Signal("is_setup", "0 or 1", "a card is kept for later"),
    Signal("is_grant", "0 or 1", "tokens are given for nothing"),
    Signal("is_weekend", "0 or 1", "Saturday or Sunday, UTC"),
    Signal("is_night", "0 or 1", "before seven in the morning, UTC"),
)
PURCHASE_SIGNALS: Final = _COUNTS + _MEANS + _AGES + _FRAUDS + _SINCE + _SHARES + _FACTS

_FEW: Final = f"missing under {LEAST_ATTEMPTS_10M}"
_USUAL: Final = "over that of the same hour of the four weeks before, and over a common one where these say little"
SITE_SIGNALS: Final = (
    Signal("site_attempts_10m", "attempts", "with a card in the last ten minutes"),
    Signal("site_attempts_ratio", "ratio", "attempts of the last ten minutes over those usual in ten minutes of this hour of the week"),
    Signal("site_decline_share_10m", "share", f"declined of the purchases of the last ten minutes; {_FEW}"),
    Signal("site_decline_ratio", "ratio", f"decline share {_USUAL}"),
    Signal("site_setup_failure_share_10m", "share", f"failed of the setups of the last ten minutes; {_FEW}"),
    Signal("site_setup_failure_ratio", "ratio", f"setup failure share {_USUAL}"),
    Signal("site_slice_decline_share_10m", "share", "the largest decline share of the card's country, brand and funding"),
    Signal("site_slice_decline_ratio", "ratio", "the largest decline ratio of the card's country, brand and funding"),
)
NAMES: Final = tuple(signal.name for signal in PURCHASE_SIGNALS + SITE_SIGNALS)
COLUMN: Final = {name: column for column, name in enumerate(NAMES)}
