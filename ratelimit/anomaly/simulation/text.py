"""Rows, purchases and labels as the JSON lines that a person, `/v1/events` and `ratelimit replay` read."""

import socket
import struct
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec

from ratelimit.anomaly.simulation.agent import AGENTS
from ratelimit.anomaly.simulation.member import Label
from ratelimit.anomaly.simulation.purchase import Outcome, Purchase
from ratelimit.anomaly.simulation.route import method, path
from ratelimit.anomaly.simulation.row import KINDS, PLANS, REQUEST, Rows
from ratelimit.core.log_entry import Entry

_CALLERS_KEPT: Final = 1 << 16
_encode: Final = msgspec.json.Encoder().encode
_EPOCH: Final = date(1970, 1, 1)
_SECONDS_A_DAY: Final = 86_400
_IPV4_BELOW: Final = 1 << 32


def key_text(key: int) -> str | None:
    """An API key."""
    return f"key_{key:016x}" if key else None


def account_text(account: int) -> str | None:
    """An account's name."""
    return f"acc_{account:016x}" if account else None


@lru_cache(_CALLERS_KEPT)
def address_text(high: int, low: int) -> str:
    """An address: IPv4 where all of it fits into 32 bits."""
    if not high and low < _IPV4_BELOW:
        return socket.inet_ntop(socket.AF_INET, struct.pack(">I", low))
    return socket.inet_ntop(socket.AF_INET6, struct.pack(">QQ", high, low))


@lru_cache
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


@lru_cache(_SECONDS_A_DAY)
def _clock(second: int) -> str:
    return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"


def instant(time_ms: int) -> str:
    """A time in RFC 3339."""
    second, ms = divmod(time_ms, 1_000)
    return f"{_date(second // _SECONDS_A_DAY)}T{_clock(second % _SECONDS_A_DAY)}.{ms:03}Z"


@lru_cache(_CALLERS_KEPT)
def _tail(address: tuple[int, int], agent: int, key: int, account: int, plan: int) -> str:
    """What a line says of who asks: it comes back often, so it is put together once."""
    fields = {
        "ip": address_text(*address),
        "api_key": key_text(key),
        "account": account_text(account),
        "plan": PLANS[plan] if account else None,
        "user_agent": AGENTS[agent],
    }
    return _encode({name: value for name, value in fields.items() if value is not None}).decode()[1:]


def lines(rows: Rows) -> Iterator[str]:
    """The lines of a usage log, in the order of the rows."""
    for time_ms, kind, route, item, status, size, latency_ms, cost, address, agent, key, account, plan in rows.tolist():
        who = _tail(address, agent, key, account, plan)
        if kind == REQUEST:
            yield (
                f'{{"time":"{instant(time_ms)}","method":"{method(route)}","path":"{path(route, item)}","status":{status},"bytes":{size},'
                f'"latency_ms":{latency_ms:.1f},"cost":{cost},{who}\n'
            )
        else:
            yield f'{{"time":"{instant(time_ms)}","type":"{KINDS[kind]}",{who}\n'


def entries(rows: Rows) -> Iterator[Entry]:
    """What a reader of a usage log makes of the lines of these rows."""
    for time_ms, kind, route, item, status, size, latency_ms, cost, address, agent, key, account, plan in rows.tolist():
        asked = kind == REQUEST
        yield Entry(
            time_us=time_ms * 1_000,
            method=method(route) if asked else "",
            path=path(route, item) if asked else "",
            ip=address_text(*address),
            api_key=key_text(key),
            account=account_text(account),
            plan=PLANS[plan] if account else None,
            cost=cost if asked else 1,
            status=status if asked else 0,
            bytes=size if asked else -1,
            latency_ms=latency_ms if asked else -1,
            user_agent=AGENTS[agent],
            kind=KINDS[kind],
        )


def purchase_line(purchase: Purchase) -> bytes:
    """The line of a purchase: what the site would send, and what became of it as `outcome`."""
    fields = purchase._asdict() | {
        "currency": "usd",
        "account": account_text(purchase.account),
        "ip": address_text(*purchase.address),
        "card": purchase.card._asdict() if purchase.card is not None else None,
        "user_agent": AGENTS[purchase.agent],
        "account_created_at": instant(purchase.account_created_ms),
        "outcome": _outcome(purchase.outcome),
    }
    for inner in ("time_ms", "address", "agent", "account_created_ms"):
        del fields[inner]
    return _encode({"time": instant(purchase.time_ms), **fields}) + b"\n"


def _outcome(outcome: Outcome) -> dict[str, Any]:
    """An outcome with its times in RFC 3339, without what did not happen."""
    found = {}
    for name, value in outcome._asdict().items():
        if value is not None:
            found[name.replace("_ms", "_at")] = instant(value) if name.endswith("_ms") else value
    return found


def subject_text(label: Label) -> str:
    """Whom a label is about, as written in the log."""
    if isinstance(label.subject, tuple):
        return address_text(*label.subject)
    return (key_text if label.target == "api_key" else account_text)(label.subject) or ""


def label_fields(label: Label) -> dict[str, str | bool]:
    """A label, with its texts."""
    return {
        "target": label.target,
        "value": subject_text(label),
        "verdict": label.verdict,
        "abuse": label.abuse,
        "evasive": label.evasive,
        "from": instant(label.from_ms),
        "until": instant(label.until_ms),
        "known_at": instant(label.known_ms),
        "source": "simulation",
    }


def label_line(label: Label) -> bytes:
    """The line of a label."""
    return _encode(label_fields(label)) + b"\n"
