"""Where a request of the operator lane comes from: the caller's address, whether the browser came by https, and by which name.

A proxy is believed where the policy trusts it (`identity.trusted_proxies`), and on a Unix socket, which only this machine reaches.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from ratelimit.core.address import Networks, format_address, forwarded_for, parse_address
from ratelimit.web.problems import ClientError

_NOBODY: Final = Networks(())
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:]+)(?::\d{1,5})?", re.IGNORECASE)


class Origin:
    """`url` is RATELIMIT_CONSOLE_URL. `strict`: names that are not known are refused, lest one that somebody else points here be ours."""

    def __init__(self, url: str | None = None, *, strict: bool = False, trusted: Callable[[], Networks] = lambda: _NOBODY) -> None:
        self._url = url
        self._netloc = urlsplit(url).netloc if url is not None else None
        self._known = {"localhost", urlsplit(url).hostname or ""} if url is not None else {"localhost"}
        self._strict, self._trusted = strict or url is not None, trusted

    def address(self, request: web.Request) -> str:
        """The caller's address as text; "" where there is none, as on a Unix socket without a proxy that tells it."""
        peer = parse_address(request.remote or "")
        told = request.headers.getall("X-Forwarded-For", []) if self._believed(peer) else []
        found = forwarded_for(told, self._trusted()) or peer
        return format_address(found) if found is not None else ""

    def secure(self, request: web.Request) -> bool:
        """Whether the browser speaks https: to RATELIMIT_CONSOLE_URL, or as a trusted proxy says."""
        if self._url is not None and self._url.startswith("https:") and request.headers.get("Host", "").lower() == self._netloc:
            return True
        told = request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        return told and self._believed(parse_address(request.remote or ""))

    def link(self, request: web.Request | None, path: str) -> str:
        """An address to be sent to somebody; without RATELIMIT_CONSOLE_URL the name by which the request came."""
        if self._url is not None or request is None:
            return f"{self._url or ''}{path}"
        return f"{'https' if self.secure(request) else 'http'}://{request.headers.get('Host', 'localhost')}{path}"

    def refuse_foreign_host(self, request: web.Request) -> None:
        """Raises ClientError where a browser may have been led here by a name that is not ours."""
        if not self._strict:
            return
        found = _HOST.fullmatch(request.headers.get("Host", ""))
        name = found[1].lower() if found is not None else ""
        if not (name in self._known or name.endswith(".localhost") or _is_address(name)):
            raise ClientError(421, "this is not served under that name; set RATELIMIT_CONSOLE_URL to the address that people use")

    def _believed(self, peer: bytes | None) -> bool:
        return peer is None or peer in self._trusted()


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
