"""How a census is written for `census.lua`. The script's header is the contract."""

from ratelimit.core.profile import Census


def arguments(census: Census) -> tuple[int | str, ...]:
    """What the script takes beside its key."""
    return (census.now_s, *(part for name, end_s in census.ends for part in (end_s, name)))
