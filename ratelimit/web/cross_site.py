"""Keeps other sites' pages from acting through the browser of whoever may reach the operator lane, such as on their own machine.

A browser says with each request that could change something from where it was made; whoever says nothing is no browser. What only reads
is answered: no page of another site is shown the answer. A cookie that comes without that word may be an old browser's, and is refused.
"""

from collections.abc import Mapping
from typing import Final

from ratelimit.web.problems import ClientError

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS: Final = frozenset({None, "same-origin", "none"})  # none: typed into the address bar


def refuse_cross_site(method: str, headers: Mapping[str, str], *, cookie: bool = False) -> None:
    """Raises ClientError for a change that a page of another site asks for; `cookie`: the request has the cookie of a session."""
    if method in _READS:
        return
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is None and origin is not None:  # an old browser
        site = "same-origin" if origin.partition("://")[2] == headers.get("Host") else "cross-site"
    if site is None and cookie:
        raise ClientError(403, "a session's cookie came without Sec-Fetch-Site and Origin; ask from a page of this address, or by a token")
    if site not in _OURS:
        raise ClientError(
            403, "a page of another site asks for this through a browser; ask from a page of this address, or without a browser"
        )
