"""What there is to know of a kind of row, in training as in serving: its signals, which of them count, and which way they point.

There are four kinds: profiles of API keys, addresses and accounts, whose signals are core/signals, and purchases, whose signals are
core/purchase_signals. A *family* is what one artifact holds: all three kinds of profiles, or purchases alone.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.core import purchase_signals, signals
from ratelimit.core.signals import KINDS, Kind

Family = Literal["requests", "purchases"]
ModelKind = Kind | Literal["purchase"]
PURCHASE: Final = "purchase"

Columns = NDArray[np.intp]
Mask = NDArray[np.bool_]


class SignalTable(NamedTuple):
    """`known` are the columns that the kind can have; of them no more than the share `most_missing` may be missing where there is a risk.

    With `optional` a site may never tell some of them, and what training knew of too few is not missed. `age` is the column of the age
    that chooses a row's peers. `counted` are those of which more is never a sign of honesty, and which grow with abuse by orders of
    magnitude, and `halved_by` is how fast, see anomaly/excess. An isolation
    forest does not see `unseen`, a boosted one not `unlearned`; in `rising` columns its chance never falls.
    """

    family: Family
    version: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    known: Mask
    most_missing: float
    optional: bool
    age: int
    counted: Columns
    halved_by: float
    unseen: Mask
    unlearned: Mask
    rising: Mask

    def lacking(self, rows: NDArray[np.float64], known: Mask | None = None) -> Mask:
        """Which rows (n, signals) say too little for a risk; `known`: what training knew, where that matters."""
        said = rows[:, self.known if known is None or not self.optional else self.known & known]
        return np.asarray(np.isnan(said).mean(axis=1) > self.most_missing) if said.shape[1] else np.ones(len(rows), bool)


# A subject's age chooses its peers, see anomaly/ranks; seen by the forest it would make every newcomer unusual.
_UNSEEN: Final = "age_s attempts_14d requests_14d".split()
# counts only; shares and rhythms are the forest's
_COUNTED: Final = (
    "attempts_10s attempts_10m attempts_1d requests_10s requests_10m requests_1d paths addresses networks keys accounts countries agents "
    "cost_10m cost_1d bytes_10m bytes_1d failed_logins_10m failed_logins_1d signups_1d"
).split()
_RISING: Final = (
    "refused_share denied_share_10m denied_share_1d failed_logins_10m failed_logins_1d failed_login_share impostor_share signups_1d"
).split()  # more of it is never a sign of honesty


def _mask(names: tuple[str, ...], chosen: Iterable[str]) -> Mask:
    found = np.zeros(len(names), bool)
    found[_columns(names, chosen)] = True
    found.flags.writeable = False
    return found


def _columns(names: tuple[str, ...], chosen: Iterable[str]) -> Columns:
    return np.array([names.index(name) for name in chosen], np.intp)


def _profiles(kind: Kind) -> SignalTable:
    return SignalTable(
        family="requests",
        version=signals.VERSION,
        names=signals.NAMES,
        units=tuple(signal.unit for signal in signals.SIGNALS),
        known=signals.applicable(kind),
        most_missing=signals.MOST_MISSING,
        optional=False,
        age=signals.COLUMN["age_s"],
        counted=_columns(signals.NAMES, _COUNTED),
        halved_by=4.0,
        unseen=_mask(signals.NAMES, _UNSEEN),
        unlearned=_mask(signals.NAMES, ()),
        rising=_mask(signals.NAMES, _RISING),
    )


_BOUGHT: Final = purchase_signals.NAMES
_MOST_UNTOLD: Final = 0.5  # of a purchase: device, email and where the card is from are the site's to tell or not
_SHARED: Final = ("card_", "ip_", "network_", "device_", "email_", "email_domain_")
_COMMON: Final = ("network_", "email_domain_")  # of whom nobody knows how many share them
_DOUBLINGS: Final = 2.0  # beyond all that was usual, which halve what is left to the score 1; amounts do not grow as counts do


def _of_the_site(name: str) -> bool:
    """Signals that say nothing of this purchase: rules look at them."""
    return name.startswith("site_")


def _grows_with_abuse(name: str) -> bool:
    """Distinct cards and accounts, what was declined or failed: a customer has reasons for one, never for many."""
    words = ("declines_", "cards_", "accounts_", "checks_failed_", "failures_in_row", "failures_then_success")
    return any(word in name for word in words) and not name.startswith(_COMMON) and not _of_the_site(name)


def _confirmed(name: str) -> bool:
    """Fraud of late, and any with the card. What others did with a device or from an address once is over when they have gone."""
    return "fraud_share_" in name or name == "card_frauds"


def _usual(name: str) -> bool:
    """What makes nobody unusual: how long and how much somebody has bought, how busy or known what many share is, and when it is.

    An isolation forest cuts along every signal alike, and would show good customers and popular networks first.
    """
    volume = ("attempts_" in name or "amount_" in name) and (name.startswith(_SHARED) or name.endswith(("_7d", "_30d")))
    known = "labels_" in name or name.endswith("_frauds") or ("accounts_" in name and name.endswith(("_7d", "_30d")))
    level = name.startswith("amount_mean_")
    clock = name.endswith(("_age_s", "since_fraud_s")) or name.startswith(("since_", "is_"))
    common = name.startswith(_COMMON) and "fraud_share_" not in name
    return volume or known or level or clock or common


_PURCHASES: Final = SignalTable(
    family="purchases",
    version=purchase_signals.VERSION,
    names=_BOUGHT,
    units=tuple(signal.unit for signal in purchase_signals.PURCHASE_SIGNALS + purchase_signals.SITE_SIGNALS),
    known=_mask(_BOUGHT, [name for name in _BOUGHT if not _of_the_site(name)]),
    most_missing=_MOST_UNTOLD,
    optional=True,
    age=_BOUGHT.index("account_age_s"),
    counted=_columns(_BOUGHT, [*filter(_grows_with_abuse, _BOUGHT), "amount", "amount_ratio", "amount_over_max"]),
    halved_by=_DOUBLINGS,
    unseen=_mask(_BOUGHT, [name for name in _BOUGHT if _of_the_site(name) or _usual(name)]),
    unlearned=_mask(_BOUGHT, filter(_of_the_site, _BOUGHT)),
    rising=_mask(_BOUGHT, [name for name in _BOUGHT if _grows_with_abuse(name) or _confirmed(name)]),
)
_TABLES: Final[Mapping[ModelKind, SignalTable]] = {**{kind: _profiles(kind) for kind in KINDS}, PURCHASE: _PURCHASES}
FAMILIES: Final[Mapping[Family, tuple[ModelKind, ...]]] = {"requests": KINDS, "purchases": (PURCHASE,)}


def table_of(kind: ModelKind) -> SignalTable:
    """The table of a kind."""
    return _TABLES[kind]
