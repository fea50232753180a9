"""One purchase's row of signals, from the logs of its entities, the tallies of its slices, the facts of its address, and what it says.

Pure, and the same for a purchase that somebody waits for and for one of a log. Logs are read as of the attempt's own time.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import nan
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.core import velocity
from ratelimit.core.account_past import account_past, amounts_past
from ratelimit.core.address_facts import AddressFacts
from ratelimit.core.currency import MINOR_DIGITS
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_entity import SITE
from ratelimit.core.purchase_signals import AGED, COLUMN, COUNTED, LABEL_SPANS, LABELLED, NAMES, SINCE_FRAUD, SPANS, Row, counted
from ratelimit.core.tally import UNKNOWN, Tally, largest
from ratelimit.core.velocity import AMOUNT, FRAUDS, LABELS, MEASURES, Floats, Log

_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600
_NIGHT_ENDS: Final = 7
_MONDAYS_OFF: Final = 3  # the epoch began on a Thursday
_DIGITS: Final = 2  # of the minor unit of money that nobody names: of a grant or a setup, which cost nothing
_LABELS_FROM: Final = SPANS.index(LABEL_SPANS[0])


class Seen(NamedTuple):
    """What is known of a purchase when it is judged. `card` is the tag of its card; `disposable` is None where it has no email."""

    now_s: float
    logs: Mapping[str, Log]  # by kind of entity
    tallies: Mapping[str, Tally]  # by slice
    facts: AddressFacts
    card: int
    disposable: bool | None


def rows_of(purchases: Sequence[Purchase], seen: Sequence[Seen]) -> list[Row]:
    """The signals of each, a value for each of NAMES. What is counted in logs is counted for all at once, each as of its own time."""
    logs = [log for one in seen for log in one.logs.values()]
    now = np.repeat([one.now_s for one in seen], [len(one.logs) for one in seen])
    counts, (spans, frauds, latest) = velocity.counts(logs, now), velocity.confirmed(logs, now)
    rows, start = list[Row](), 0
    for purchase, one in zip(purchases, seen, strict=True):
        own = slice(start, start + len(one.logs))
        rows.append(_row(purchase, one, counts[own], velocity.Confirmed(spans[own], frauds[own], latest[own])))
        start = own.stop
    return rows


def _row(purchase: Purchase, seen: Seen, counts: Floats, confirmed: velocity.Confirmed) -> Row:
    unit = 10.0 ** MINOR_DIGITS.get(purchase.currency or "", _DIGITS)
    columns, account = _columns(tuple(seen.logs)), seen.logs["account"]
    counts[:, :, AMOUNT] /= unit
    row: Row = np.full(len(NAMES), nan)
    row[columns.counts] = counts.ravel()[columns.places]
    _put_labels(row, columns, confirmed, seen.now_s)
    values = {
        **account_past(account, counts[columns.account], seen.card, seen.now_s),
        **amounts_past(account, purchase.amount, unit),
        **_ages(purchase, seen),
        **_places(purchase, seen.facts),
        **_facts(purchase, seen, unit),
        **_site(seen.tallies),
    }
    row[[COLUMN[name] for name in values]] = list(values.values())
    return row


class _Columns(NamedTuple):
    """Where in a row what logs of these kinds say stands; `places` are those among all counts, `since_of` and `labelled` those of logs."""

    account: int
    counts: NDArray[np.intp]
    places: NDArray[np.intp]
    frauds: NDArray[np.intp]
    since: NDArray[np.intp]
    since_of: NDArray[np.intp]
    labelled: NDArray[np.intp]
    labels: NDArray[np.intp]
    shares: NDArray[np.intp]


@cache
def _columns(kinds: tuple[str, ...]) -> _Columns:
    found = [
        (counted(kind, measure, span), (kinds.index(kind), SPANS.index(span), MEASURES.index(measure)))
        for kind, measures, spans in COUNTED
        if kind in kinds
        for measure in measures
        for span in spans
    ]
    places = np.ravel_multi_index(np.array([place for _, place in found]).T, (len(kinds), len(SPANS), len(MEASURES)))
    labelled, since = [kind for kind in kinds if kind in LABELLED], [kind for kind in kinds if kind in SINCE_FRAUD]
    return _Columns(
        kinds.index("account"),
        _of(name for name, _ in found),
        places,
        _of(f"{kind}_frauds" for kind in kinds),
        _of(f"{kind}_since_fraud_s" for kind in since),
        _indexes(kinds, since),
        _indexes(kinds, labelled),
        _of(f"{kind}_labels_{span}" for kind in labelled for span in LABEL_SPANS),
        _of(f"{kind}_fraud_share_{span}" for kind in labelled for span in LABEL_SPANS),
    )


def _indexes(kinds: tuple[str, ...], some: Iterable[str]) -> NDArray[np.intp]:
    return np.array([kinds.index(kind) for kind in some], np.intp)


def _of(names: Iterable[str]) -> NDArray[np.intp]:
    return np.array([COLUMN[name] for name in names], np.intp)


def _put_labels(row: Row, columns: _Columns, found: velocity.Confirmed, now: float) -> None:
    row[columns.frauds] = found.frauds
    row[columns.since] = now - found.latest[columns.since_of]
    of_spans: Floats = found.counts[columns.labelled, _LABELS_FROM:].reshape(-1, 2)
    labels = of_spans[:, LABELS]
    row[columns.labels] = labels
    if labels.any():
        row[columns.shares] = np.divide(of_spans[:, FRAUDS], labels, out=np.full(len(labels), nan), where=labels > 0)


def _ages(purchase: Purchase, seen: Seen) -> dict[str, float]:
    found = {f"{kind}_age_s": _since(seen.logs[kind].first, seen.now_s, 0.0) for kind in AGED if kind in seen.logs}
    if purchase.account_created_at is not None:
        found["account_created_age_s"] = _since(purchase.account_created_at, seen.now_s, nan)
    if "card" in seen.logs:
        found["since_card_s"] = _since(seen.logs["card"].latest, seen.now_s, nan)
    return found


def _since(at: float, now: float, never: float) -> float:
    return never if at != at else max(0.0, now - at)  # noqa: PLR0124  (NaN, never, is not itself)


def _places(purchase: Purchase, facts: AddressFacts) -> dict[str, float]:
    card, billing = purchase.card.country if purchase.card else None, purchase.billing_country
    return {
        "card_ip_mismatch": _differ(card, facts.country),
        "card_billing_mismatch": _differ(card, billing),
        "ip_billing_mismatch": _differ(facts.country, billing),
        "hosting": _known(facts.hosting),
        "vpn": _known(facts.vpn),
    }


def _differ(one: str | None, other: str | None) -> float:
    return nan if one is None or other is None else float(one != other)


def _known(fact: bool | None) -> float:
    return nan if fact is None else float(fact)


def _facts(purchase: Purchase, seen: Seen, unit: float) -> dict[str, float]:
    funding = purchase.card.funding if purchase.card else None
    hours = seen.now_s // _HOUR_S
    return {
        "amount": purchase.amount / unit,
        "tokens_per_amount": purchase.tokens * unit / purchase.amount if purchase.amount else nan,
        "attempt": float(purchase.attempt),
        "prepaid": nan if funding in {None, "unknown"} else float(funding == "prepaid"),
        "disposable_email": _known(seen.disposable),
        "is_setup": float(purchase.kind == "setup"),
        "is_grant": float(purchase.kind == "grant"),
        "is_weekend": float((seen.now_s // _DAY_S + _MONDAYS_OFF) % 7 >= 5),
        "is_night": float(hours % 24 < _NIGHT_ENDS),
    }


def _site(tallies: Mapping[str, Tally]) -> dict[str, float]:
    site = tallies.get(SITE, UNKNOWN)
    slices = [tally for name, tally in tallies.items() if name != SITE]
    return {
        "site_attempts_10m": float(site.latest.purchases + site.latest.setups),
        "site_attempts_ratio": site.attempts_ratio,
        "site_decline_share_10m": site.decline_share,
        "site_decline_ratio": site.decline_ratio,
        "site_setup_failure_share_10m": site.setup_failure_share,
        "site_setup_failure_ratio": site.setup_failure_ratio,
        "site_slice_decline_share_10m": largest([tally.decline_share for tally in slices]),
        "site_slice_decline_ratio": largest([tally.decline_ratio for tally in slices]),
    }
