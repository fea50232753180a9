"""Whatever is kept of people is in the inventory."""

from ratelimit.core import store_key
from ratelimit.core.inventory import INVENTORY, inventory
from ratelimit.core.retention import OPTIONAL, Retention
from ratelimit.ledger.tables.every import SCHEMA

# tables that hold nothing of a person, and tables that are Alembic's
OF_NOBODY = {"batch", "retention_mark", "in_force", "rule_version", "backtest", "model_pin"}
KEYS_OF_NOBODY = {store_key.META, store_key.PROFILES, store_key.TALLY, store_key.ALLOWANCE, store_key.REACH}


def test_every_table() -> None:
    """No table can be added without saying why it is kept, and for how long."""
    known = {place for kept in INVENTORY for place in kept.places}
    assert set(SCHEMA.tables) - known - OF_NOBODY == set()
    keys = {value for name, value in vars(store_key).items() if name.isupper() and isinstance(value, str)}
    assert keys - known - KEYS_OF_NOBODY == set()


def test_every_place_exists() -> None:
    """What is listed is there."""
    places = {place for kept in INVENTORY for place in kept.places if not place.startswith("rl1:")}
    assert places - set(SCHEMA.tables) == set()


def test_what_no_sentence_covers_is_off() -> None:
    """Save for what the law itself asks for: a note of what was erased."""
    assert all(kept.off or "erasure" in kept.places for kept in INVENTORY if kept.sentence == "none")


def test_every_thing_that_can_be_turned_on() -> None:
    """Each is in the inventory, off until the policy has it, and its terms are in days."""
    assert {need for kept in INVENTORY for need in kept.needs} == OPTIONAL
    before, after = inventory(Retention()), inventory(Retention(keep=("card",)))
    assert [kept.needs for kept in before if kept.off and kept not in after] == [("card",)]
    assert all("{" not in kept.life for kept in before)
