"""Reads a line of a JSON log: one object a line, under our own field names or those of nginx, Envoy, Istio, Traefik and Caddy.

A field's first name present wins; what is null, empty or `-` counts as absent; fields we do not know are ignored. A caller's address is
taken as it stands from `ip`; else it is the logged X-Forwarded-For with the peer behind it, the chain that a gateway passes on.

What a request is decided by must be right or the line is broken; what was answered is unknown where it cannot be used. A line is an event
in an account's life where its `type` says so. Other systems have a `type` too: with a request beside it, it means nothing here.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ratelimit.core.combined_log import split_request
from ratelimit.core.log_entry import REQUEST, BrokenLineError, Entry
from ratelimit.core.log_time import CommonTime, number_us, rfc3339_us
from ratelimit.core.request import MAX_COST
from ratelimit.core.usage_event import LIFE_EVENTS

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    # Traefik's `time` is when the line was written, beside the StartUTC of its request
    "time": ("StartUTC", "time", "timestamp", "@timestamp", "ts", "start_time", "time_iso8601", "time_local", "msec"),
    "method": ("method", "request_method", "http_method", "RequestMethod"),
    "path": ("path", "request_uri", "uri", "url", "RequestPath", "x-envoy-origin-path", "x_envoy_original_path"),
    "request": ("request",),
    "ip": ("ip", "client_ip"),
    "forwarded": ("x_forwarded_for", "x-forwarded-for", "http_x_forwarded_for", "forwarded_for", "request_X-Forwarded-For"),
    "peer": ("remote_addr", "downstream_remote_address", "remote_ip", "ClientHost"),
    "api_key": ("api_key", "x_api_key", "http_x_api_key"),
    "account": ("account", "account_id", "x_account_id", "http_x_account_id"),
    "plan": ("plan", "x_plan", "http_x_plan"),
    "cost": ("cost", "x_request_cost", "http_x_request_cost"),
    "status": ("status", "response_code", "status_code", "DownstreamStatus"),
    "bytes": ("bytes", "body_bytes_sent", "bytes_sent", "size", "DownstreamContentSize"),
    "latency_ms": ("latency_ms", "duration"),  # Envoy; Caddy's duration is told apart
    "latency_s": ("latency_s", "request_time"),
    "latency_ns": ("Duration",),
    "user_agent": ("user_agent", "user-agent", "http_user_agent", "request_User-Agent"),
    "referrer": ("referrer", "referer", "http_referer", "request_Referer"),
    "type": ("type",),
}
_NONE: Final = ("", "-")
_KINDS: Final = (None, REQUEST, *LIFE_EVENTS)
_MOST: Final = 1e15  # bytes, or nanoseconds: eleven days
_SHAPES_KEPT: Final = 1_000


class NdjsonLog:
    """A parser of lines. `names` maps a field of NAMES to the name that this log uses for it."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        chosen = names or {}
        self._names = {field: (chosen[field],) if field in chosen else known for field, known in NAMES.items()}
        self._decoder = msgspec.json.Decoder(dict[str, Any])
        self._common_us = CommonTime()
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __call__(self, line: bytes) -> Entry:
        """The entry of a line; raises BrokenLineError."""
        row = self._decode(line)
        if isinstance(row.get("request"), dict):
            _flatten_caddy(row)
        row[""] = None
        (
            time, method, path, request, ip, forwarded, peer, api_key, account, plan, cost,
            status, size, latency_ms, latency_s, latency_ns, agent, referrer, kind,
        ) = map(row.__getitem__, self._shape(row))  # fmt: skip
        if method is None or path is None:
            if request is None and kind not in _KINDS:
                raise BrokenLineError(
                    f"it has no request, and its type is unknown; expected method and path, or a type of {', '.join(LIFE_EVENTS)}"
                )
            method, path = split_request(_text("request", request) or "-")
        entry = Entry(
            self._time_us(time),
            _text("method", method) or "",
            _text("path", path) or "",
            _text("ip", ip) or _chain(_text("forwarded", forwarded), _text("peer", peer)),
            _text("api_key", api_key),
            _text("account", account),
            _text("plan", plan),
            1 if cost is None or cost in _NONE else _cost(cost),
            _status(status),
            int(_measured(size)),
            _latency_ms(latency_ms, latency_s, latency_ns),
            _said(agent),
            _said(referrer),
            kind if kind in LIFE_EVENTS else REQUEST,
        )
        if entry.kind != REQUEST and not (entry.account or entry.ip or entry.api_key):
            raise BrokenLineError("it is an event of an account's life that names nobody; expected account, ip or api_key")
        return entry

    def _decode(self, line: bytes) -> dict[str, Any]:
        try:
            return self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            readable = line.decode("utf-8", "replace").encode()  # nginx's escape=json lets raw bytes through
            if readable == line:
                raise BrokenLineError(f"it is not a JSON object: {error}") from None
        return self._decode(readable)

    def _shape(self, row: dict[str, Any]) -> tuple[str, ...]:
        """The names under which this row holds our fields, `""` for those that it lacks; lines of one log share few shapes."""
        keys = tuple(row)
        names = self._shapes.get(keys)
        if names is None:
            if len(self._shapes) >= _SHAPES_KEPT:
                self._shapes.clear()
            names = tuple(next((name for name in known if name in row), "") for known in self._names.values())
            self._shapes[keys] = names
        return names

    def _time_us(self, value: object) -> int:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return number_us(value)
        if not isinstance(value, str) or value in _NONE:
            raise BrokenLineError("it has no time; expected one of the fields " + ", ".join(self._names["time"]))
        if value[2:3] == "/":
            return self._common_us(value)
        if value[4:5] == "-":
            return rfc3339_us(value)
        try:
            return number_us(float(value))
        except ValueError as error:
            raise BrokenLineError("its time is unknown; expected RFC 3339 or a number of seconds since 1970") from error


def _text(field: str, value: object) -> str | None:
    if value is None or value in _NONE:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):  # an account may well be a number
        return str(value)
    raise BrokenLineError(f"its field {field} is a {type(value).__name__}; expected a text")


def _chain(forwarded: str | None, peer: str | None) -> str | None:
    return f"{forwarded}, {peer}" if forwarded and peer else forwarded or peer


def _said(value: object) -> str | None:
    return value if isinstance(value, str) and value not in _NONE else None


def _status(value: object) -> int:
    status = int(_measured(value))
    return status if 100 <= status <= 999 else 0


def _latency_ms(in_ms: object, in_s: object, in_ns: object) -> float:
    for value, per_ms in ((in_ms, 1.0), (in_s, 1e-3), (in_ns, 1e6)):
        if value is not None and (number := _measured(value)) >= 0:
            return number / per_ms
    return -1.0


def _measured(value: object) -> float:
    """A number that is not negative, or -1: not logged, or of no use."""
    if not isinstance(value, int | float | str):
        return -1.0
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return -1.0
    return number if 0 <= number < _MOST else -1.0


def _flatten_caddy(row: dict[str, Any]) -> None:
    """Put the fields of Caddy's `request` beside the others, with the two headers that we read; its duration is in seconds."""
    row.update(row.pop("request"))
    if "duration" in row:
        row["latency_s"] = row.pop("duration")
    headers = row.get("headers")
    for field, name in (("user_agent", "User-Agent"), ("referrer", "Referer")):
        values = headers.get(name) if isinstance(headers, dict) else None
        if isinstance(values, list) and values:
            row.setdefault(field, values[0])


def _cost(value: object) -> int:
    try:
        cost = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else -1
    except ValueError:
        cost = -1
    if not 0 <= cost <= MAX_COST:
        raise BrokenLineError(f"its field cost is not usable; expected an integer from 0 to {MAX_COST}")
    return cost
