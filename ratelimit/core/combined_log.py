"""Reads a line of the combined or common log format of Apache and nginx.

    [vhost:port ]address ident user [time] "METHOD target HTTP/x" status bytes ["referrer" "agent" ...]

A name before the address (`vhost_combined`) and several addresses with commas (a logged X-Forwarded-For) are understood; what follows the
agent is not read. The user may hold spaces and brackets, for the client chooses it: the time is recognised by its shape.
"""

import re
from typing import Final

from ratelimit.core.log_entry import BrokenLineError, Entry
from ratelimit.core.log_time import CommonTime

_QUOTED: Final = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_LINE: Final = re.compile(
    r"(?:[\w.-]+:\d{1,5} )?(\S+(?:(?<=,) \S+)*) \S+ .*? "
    r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    rf"{_QUOTED} (\d{{3}}|-) (\d{{1,18}}|-)(?=\s|$)(?: {_QUOTED} {_QUOTED})?+"
)
_HEAD: Final = re.compile(r"\S+ \S+ .*? \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] ")
_METHOD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_VERSION: Final = re.compile(r" HTTP/\d(?:\.\d)?$")
_ABSOLUTE: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*")
_ESCAPE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "v": "\v", "f": "\f"}
_REQUESTS_KEPT: Final = 10_000


def unescape(text: str) -> str:
    """Undo what Apache and nginx do to quotes, backslashes and bytes that are not printable; escaped bytes are read as UTF-8."""

    def plain(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else _CONTROL.get(found[2], found[2])

    raw = _ESCAPE.sub(plain, text)
    try:
        return raw.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:  # already holds wider characters: it was logged raw
        return raw


def split_request(request: str) -> tuple[str, str]:
    """Method and target of a request line, as the gateway would pass them on; both empty where there is no request."""
    if "\\" in request:
        request = unescape(request)
    method, _, rest = request.partition(" ")
    target = _VERSION.sub("", rest)
    if not target or not _METHOD.fullmatch(method):
        return "", ""
    if target[0] != "/":
        target = _ABSOLUTE.sub("", target) or "/"
    return method, target


def _said(text: str | None) -> str | None:
    if text is None or text in {"", "-"}:
        return None
    return unescape(text) if "\\" in text else text


class CombinedLog:
    """A parser of lines; it remembers the request lines that it has taken apart, for sites are asked for the same few."""

    def __init__(self) -> None:
        self._time_us = CommonTime()
        self._requests: dict[str, tuple[str, str]] = {}

    def __call__(self, line: bytes) -> Entry:
        """The entry of a line without its line end; raises BrokenLineError."""
        found = _LINE.match(line.decode("utf-8", "replace"))
        if not found:
            raise BrokenLineError(self._complaint(line))
        address, time, request, status, size, referrer, agent = found.groups()
        split = self._requests.get(request)
        if split is None:
            if len(self._requests) >= _REQUESTS_KEPT:
                self._requests.clear()
            split = self._requests[request] = split_request(request)
        return Entry(
            self._time_us(time),
            split[0],
            split[1],
            None if address == "-" else address,
            None,
            None,
            None,
            1,
            0 if status == "-" else int(status),
            0 if size == "-" else int(size),  # Apache writes no bytes as -
            -1,
            _said(agent),
            _said(referrer),
        )

    @staticmethod
    def _complaint(line: bytes) -> str:
        if not _HEAD.match(line.decode("utf-8", "replace")):
            return 'it has no address and [time]; expected the combined format: address - user [time] "request" status bytes'
        return "no quoted request with status and bytes follows its time; it may be cut off"
