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
    magnitude, see anomaly/excess. An isolation forest does not see `unseen`, a boosted one not `unlearned`; in `rising` columns its
    chance never falls.
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
        unseen=_mask(signals.NAMES, _UNSEEN),
        unlearned=_mask(signals.NAMES, ()),
        rising=_mask(signals.NAMES, _RISING),
    )


_BOUGHT: Final = purchase_signals.NAMES
_MOST_UNTOLD: Final = 0.5  # of a purchase: device, email and where the card is from are the site's to tell or not
_SITE: Final = [name for name in _BOUGHT if name.startswith("site_")]  # they say nothing of this purchase: rules look at them
_FLAGS: Final = "is_weekend is_night is_setup is_grant".split()  # peers and clocks, no ways of buying
_LONG: Final = ("_7d", "_30d")


def _volume(name: str) -> bool:
    """Whether a signal says how much somebody buys over weeks, or how much is known of them: a good customer's are as unusual."""
    return name.endswith(_LONG) and ("attempts" in name or "amount" in name or "labels" in name)


def _since(name: str) -> bool:
    return name.endswith("_age_s") or name.startswith("since_")


def _more_is_worse(name: str) -> bool:
    """Distinct cards and accounts, what was declined, failed or confirmed as fraud: a customer has reasons for one, never for many."""
    words = ("declines_", "cards_", "accounts_", "checks_failed_", "fraud_share_", "failures_in_row", "failures_then_success")
    return any(word in name for word in words) or name.endswith("_frauds")


_PURCHASES: Final = SignalTable(
    family="purchases",
    version=purchase_signals.VERSION,
    names=_BOUGHT,
    units=tuple(signal.unit for signal in purchase_signals.PURCHASE_SIGNALS + purchase_signals.SITE_SIGNALS),
    known=_mask(_BOUGHT, [name for name in _BOUGHT if name not in _SITE]),
    most_missing=_MOST_UNTOLD,
    optional=True,
    age=_BOUGHT.index("account_age_s"),
    counted=_columns(
        _BOUGHT, [name for name in _BOUGHT if name not in _SITE and (_more_is_worse(name) or name in {"amount", "amount_ratio"})]
    ),
    unseen=_mask(_BOUGHT, [*_SITE, *_FLAGS, *(name for name in _BOUGHT if _volume(name) or _since(name))]),
    unlearned=_mask(_BOUGHT, _SITE),
    rising=_mask(_BOUGHT, [name for name in _BOUGHT if name not in _SITE and _more_is_worse(name)]),
)
_TABLES: Final[Mapping[ModelKind, SignalTable]] = {**{kind: _profiles(kind) for kind in KINDS}, PURCHASE: _PURCHASES}
FAMILIES: Final[Mapping[Family, tuple[ModelKind, ...]]] = {"requests": KINDS, "purchases": (PURCHASE,)}


def table_of(kind: ModelKind) -> SignalTable:
    """The table of a kind."""
    return _TABLES[kind]
