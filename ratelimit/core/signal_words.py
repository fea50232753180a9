"""Signals in plain words: a reason is value, what, window, and the normal range of the same thing in the same unit.

No signal is called by its name from the code. What decays over a span is "about" that span: older ones count less. After the value there
are at most MOST_WORDS characters.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Final, NamedTuple

from ratelimit.core.case import About, CaseKind, CaseReason, signed
from ratelimit.core.quantity import Unit, figures, quantity, span
from ratelimit.core.signal_reason import SignalReason

MOST_WORDS: Final = 44  # of characters after the value

_THIS: Final = {
    "api_key": "this key",
    "ip": "this address",
    "account": "this account",
    "network": "this network",
    "card": "this card",
    "device": "this device",
    "email": "this mailbox",
    "email_domain": "this email domain",
}
_ONE: Final = {
    "addresses": "address",
    "networks": "network",
    "keys": "key",
    "accounts": "account",
    "countries": "country",
    "user agents": "user agent",
    "different paths": "path",
    "different cards": "card",
    "requests": "request",
    "failed logins": "failed login",
    "sign-ups": "sign-up",
    "tokens": "token",
    "attempts": "attempt",
    "declines": "decline",
    "confirmed frauds": "confirmed fraud",
    "outcomes": "outcome",
    "wrong CVC or postal codes": "wrong CVC or postal code",
    "hours": "hour",
}


class Words(NamedTuple):
    """What follows the value, and what heads it in a table. `{this}` is the subject. `yes` and `no`: of a fact, value and words."""

    words: str
    title: str
    unit: Unit = "count"
    window: str = ""
    yes: tuple[str, str] | None = None
    no: tuple[str, str] | None = None
    peers: str = ""  # whose share has such a fact


def fact(yes: tuple[str, str], no: tuple[str, str], title: str, peers: str) -> Words:
    """A signal that is 0 or 1: its strongest word stands for the value."""
    return Words("", title, yes=yes, no=no, peers=peers)


def _spans(name: str, words: str, title: str, spans: Mapping[str, str], unit: Unit = "count") -> dict[str, Words]:
    return {f"{name}_{key}": Words(f"{words} in {text}", f"{title} in {text}", unit, text) for key, text in spans.items()}


_SHORT: Final = {"10m": "about 10 min", "1d": "about a day"}
_ALL: Final = {"10s": "about 10 s", **_SHORT, "14d": "about 14 days"}

REQUEST_WORDS: Final[Mapping[str, Words]] = {
    **_spans("attempts", "requests", "Requests", _ALL),
    **_spans("requests", "requests let through", "Requests let through", _ALL),
    "refused_share": Words("of requests refused in about 10 min", "Requests refused in about 10 min", "share", "about 10 min"),
    "burst": Words("as fast now as in the minutes before", "Pace now over that of the minutes before", "times", "about 10 s"),
    "baseline_ratio": Words("as busy today as in the weeks before", "Today over its own weeks before", "times", "about a day"),
    "slope": Words("as busy these minutes as in the last day", "Last minutes over the last day", "doublings", "about 10 min"),
    **_spans("error_share", "of answers were 4xx", "Answers that were 4xx", _SHORT, "share"),
    **_spans("denied_share", "of answers were 401 or 403", "Answers that were 401 or 403", _SHORT, "share"),
    "paths": Words("different paths in 2 h", "Different paths in 2 h", window="2 h"),
    "path_share": Words("of requests in 2 h went to a new path", "Requests to a new path in 2 h", "share", "2 h"),
    "addresses": Words("addresses used {this} in 2 h", "Addresses that used it in 2 h", window="2 h"),
    "networks": Words("networks used {this} in 2 h", "Networks that used it in 2 h", window="2 h"),
    "keys": Words("keys used from {this} in 2 h", "Keys used from it in 2 h", window="2 h"),
    "accounts": Words("accounts used from {this} in 2 h", "Accounts used from it in 2 h", window="2 h"),
    "countries": Words("countries in 2 h", "Countries in 2 h", window="2 h"),
    "agents": Words("user agents in 2 h", "User agents in 2 h", window="2 h"),
    "browser_share": Words("of requests came from browsers in a day", "Requests from browsers", "share", "about a day"),
    "library_share": Words("of requests came from libraries in a day", "Requests from HTTP libraries", "share", "about a day"),
    "crawler_share": Words("of requests came from crawlers in a day", "Requests from declared crawlers", "share", "about a day"),
    "impostor_share": Words("of requests came from false crawlers", "Requests from false crawlers", "share", "about a day"),
    "no_agent_share": Words("of requests in a day had no user agent", "Requests without a user agent", "share", "about a day"),
    "gap_variation": Words("variation in the gaps between requests", "Variation in the gaps between requests", "ratio", "about a day"),
    "active_hours": Words("hours of the last 24 in use", "Hours in use, of the last 24", window="24 h"),
    **_spans("cost", "tokens spent", "Tokens spent", _SHORT),
    **_spans("bytes", "sent to it", "Sent to it", _SHORT, "bytes"),
    "hosting_share": Words("of requests came from hosting networks", "Requests from hosting networks", "share", "about a day"),
    "vpn_share": Words("of requests came from VPN networks", "Requests from VPN networks", "share", "about a day"),
    "age_s": Words("since {this} was first seen", "Since it was first seen", "seconds"),
    **_spans("failed_logins", "failed logins", "Failed logins", _SHORT),
    "failed_login_share": Words("of logins failed in about a day", "Logins that failed in about a day", "share", "about a day"),
    "signups_1d": Words("sign-ups from {this} in about a day", "Sign-ups from it in about a day", window="about a day"),
}


def this(kind: str) -> str:
    """A subject or entity by its kind, such as `this key`."""
    return _THIS.get(kind, "it")


def worded(
    reason: SignalReason, words: Words, of: str, *, kind: CaseKind = "model", about: About = "request", currency: str | None = None
) -> CaseReason:
    """A signal of a subject of the kind `of` as a reason of a case."""
    name, number, low, high, tail_share = reason
    if words.yes is not None and words.no is not None:
        value, said = words.yes if number else words.no
        normal = f"{figures(100 * tail_share)} % of {words.peers}"
    else:
        value = quantity(number, words.unit, currency)
        said = _counted(value, words.words.format(this=this(of)))
        normal = span(low, high, words.unit, currency)
    return CaseReason(
        kind=kind,
        source=name,
        value=value,
        words=said,
        normal=normal,
        window=words.window,
        signed=signed(reason),
        signal=name,
        about=about,
        number=number,
        low=low if isfinite(low) else None,
        high=high if isfinite(high) else None,
        tail_share=tail_share,
    )


def _counted(value: str, words: str) -> str:
    if value == "1":
        for many, one in _ONE.items():
            if words.startswith(many):
                return one + words.removeprefix(many)
    return words
