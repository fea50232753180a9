"""All that a site has to publish about what is kept here, as a policy has it: inventory, and sentences for what is on and off. Pure."""

from msgspec import Struct

from ratelimit.core.amendment import Amendment, amendments
from ratelimit.core.inventory import Kept, inventory
from ratelimit.core.retention import Retention


class Notice(Struct, frozen=True, kw_only=True):
    """`keep` is what is turned on; `on` and `off` have sentences that the published policy needs for that, or would need."""

    keep: tuple[str, ...]
    inventory: tuple[Kept, ...]
    on: tuple[Amendment, ...]
    off: tuple[Amendment, ...]


def notice(retention: Retention) -> Notice:
    """The notice of a policy."""
    on, off = (amendments(retention, on=is_on) for is_on in (True, False))
    return Notice(keep=retention.keep, inventory=inventory(retention), on=on, off=off)
