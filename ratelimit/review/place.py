"""Where an account is: the ledger and the store, and by which keys it is found in them."""

from typing import NamedTuple

from ratelimit.core.protocols import Store
from ratelimit.core.store_key import StoreKeys
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.service.standings import Standings


class Place(NamedTuple):
    """All that whoever exports or erases has to go through."""

    ledger: Ledger
    subjects: Subjects
    store: Store
    standings: Standings
    keys: StoreKeys
