"""What is known of each kind of row: every table fits its signals, and what they say of purchases is what they mean."""

import numpy as np
import pytest

from ratelimit.anomaly.signal_table import FAMILIES, PURCHASE, ModelKind, table_of
from ratelimit.core.purchase_signals import COLUMN, NAMES

KINDS = [kind for kinds in FAMILIES.values() for kind in kinds]
PURCHASES = table_of(PURCHASE)


@pytest.mark.parametrize("kind", KINDS)
def test_tables_fit(kind: ModelKind) -> None:
    """One place for each signal; a forest sees some of them, and nothing rises that is not learned."""
    table = table_of(kind)
    assert kind in FAMILIES[table.family]
    assert len(table.names) == len(table.units) == len(table.known) == len(table.unseen) == len(table.unlearned) == len(table.rising)
    assert (table.known & ~table.unseen).sum() > 20
    assert not (table.rising & table.unlearned).any()
    assert len(set(table.counted.tolist())) == len(table.counted)


def names(mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> set[str]:
    return {name for name, chosen in zip(NAMES, mask, strict=True) if chosen}


def test_what_must_never_lower_the_chance_of_fraud() -> None:
    """Declines, distinct cards and accounts, failed checks, fraud of late; but not how often there was fraud among others long ago."""
    rising = names(PURCHASES.rising)
    assert {
        "declines_1h",
        "cards_1d",
        "ip_cards_7d",
        "device_accounts_30d",
        "checks_failed_1h",
        "ip_fraud_share_1d",
        "card_frauds",
    } <= rising
    assert not {"device_frauds", "amount", "attempts_1h", "account_age_s", "device_since_fraud_s"} & rising


def test_what_makes_nobody_unusual() -> None:
    """Good customers buy much, popular networks are busy, new ones are new; and no model looks at how the site goes."""
    unseen = names(PURCHASES.unseen)
    assert {"attempts_30d", "ip_attempts_1h", "network_declines_1h", "account_age_s", "is_night", "device_labels_7d"} <= unseen
    assert not {"declines_1h", "cards_1h", "amount_ratio", "amount_deviation", "device_accounts_1h", "card_ip_mismatch"} & unseen
    site = {name for name in NAMES if name.startswith("site_")}
    assert site <= unseen
    assert site == names(PURCHASES.unlearned)


def test_a_purchase_says_too_little_only_of_what_training_knew() -> None:
    """A site that never tells a mailbox misses none; where most of what it used to tell is missing there is no risk."""
    known = np.array([not name.startswith("email") for name in NAMES])
    row = np.ones((1, len(NAMES)))
    row[:, ~known] = np.nan
    assert not PURCHASES.lacking(row, known).any()
    row[:, [COLUMN[name] for name in NAMES if name.startswith(("ip_", "card_", "device_"))]] = np.nan
    row[:, :20] = np.nan
    assert PURCHASES.lacking(row, known).all()
    assert PURCHASES.lacking(row, np.zeros(len(NAMES), bool)).all()
