"""Deployment facts, read from the environment: where we listen, where the data is, which store, which secrets. The policy says the rest.

One table holds every variable with its default and its meaning; reading, the suggestions in messages and the documentation come from it.
All problems are reported at once. Milliseconds are `_ms`.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from ratelimit.core.errors import ConfigError
from ratelimit.core.expectation import meant, shown
from ratelimit.cores import usable_cores

T = TypeVar("T")

PREFIX: Final = "RATELIMIT_"
POLICY_FILE: Final = "ratelimit.yaml"
STORE_KEY_HEX: Final = 64

# Kubernetes tells every pod of every Service: one called `ratelimit-x` makes RATELIMIT_X_PORT and the like
_SERVICE_LINK: Final = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$")
_NOT_OURS: Final = frozenset({"RATELIMIT_REQUIRE_ALL", "RATELIMIT_TEST_DATA"})  # tell tests what may not be skipped, and where data is
_MAX_PORT: Final = 65_535
_MIN_TOKEN: Final = 16
MAX_WORKERS: Final = 256
_MOST_SECRETS: Final = 2
_SECRET_BYTES: Final = range(24, 65)  # as Standard Webhooks have it
_MOST_STRIPE_SECRETS: Final = 4


class Secret(Generic[T]):
    """A value that no log and no message shows; `reveal` gives it to whoever needs it."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


class TcpAddress(NamedTuple):
    """Where to listen; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def beyond_loopback(self) -> bool:
        """Whether others than this machine may reach it."""
        try:
            return not ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"


class UnixAddress(NamedTuple):
    """A socket in the file system."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"

    @property
    def beyond_loopback(self) -> bool:
        """Never: its mode says who may."""
        return False


Address = TcpAddress | UnixAddress


class Settings(Struct, frozen=True, kw_only=True):
    """What the environment says; None is the built-in policy, the embedded store, the data folder's store key, no token, no lists."""

    gateway: Address
    operator: Address
    data: Path
    policy: Path | None
    redis_url: Secret[str] | None
    store_key: Secret[bytes] | None
    signals: str
    signals_url: Secret[str] | None
    gateway_token: Secret[str] | None
    operator_token: Secret[str] | None
    workers: int
    expected_sidecars: int
    deadline_ms: int
    late_ms: int
    max_subjects: int
    max_profiles: int
    ip_lists: Path | None
    countries: Path | None
    webhook_url: Secret[str] | None
    webhook_secret: Secret[tuple[str, ...]] | None
    stripe_secrets: Secret[tuple[str, ...]] | None
    log_level: str
    log_format: str

    @property
    def warnings(self) -> list[str]:
        """What works and is probably not meant."""
        found = []
        for name, address, token in (("GATEWAY", self.gateway, self.gateway_token), ("OPERATOR", self.operator, self.operator_token)):
            if address.beyond_loopback and token is None:
                found.append(f"RATELIMIT_{name}={address} can be reached from other machines and RATELIMIT_{name}_TOKEN is not set")
        return found


class _Refused(Exception):  # noqa: N818 - control flow within this module, no error of a user
    """A value that is not what its variable needs; says what was expected."""


class Documented(NamedTuple):
    """A variable as the documentation shows it."""

    name: str
    default: str
    meaning: str


class _Variable(NamedTuple):
    default: str  # as one would write it; empty: not set
    meaning: str
    parse: Callable[[str], Any]
    unset: str = ""  # how the documentation calls an empty default


def _address(text: str) -> Address:
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/") or "\0" in path:
            raise _Refused("unix: and an absolute path, such as unix:/run/ratelimit/gateway.sock")
        return UnixAddress(Path(path))
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if not colon or not host or (":" in host) != bracketed or not (port.isascii() and port.isdigit() and int(port[:6]) <= _MAX_PORT):
        raise _Refused("HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, or unix:/PATH")
    return TcpAddress(host, int(port))


def _integer(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
            raise _Refused(f"an integer from {least} to {most}")
        return int(text)

    return parse


def _workers(text: str) -> int:
    if text.lower() == "auto":
        return usable_cores()
    try:
        return _integer(1, MAX_WORKERS)(text)
    except _Refused as refused:
        raise _Refused(f"{refused}, or auto") from None


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise _Refused(f"one of {', '.join(choices)}")
        return text.lower()

    return parse


def _redis_url(text: str) -> Secret[str]:
    try:
        parts = urlsplit(text)
        by_network = parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and parts.port != 0
        usable = by_network or (parts.scheme == "unix" and bool(parts.path))
    except ValueError:  # a port that is none, a bracket that is not closed
        usable = False
    if not usable:
        raise _Refused("redis://HOST:PORT/DB, rediss:// for TLS, or unix:///PATH")
    return Secret(text)


def _store_key(text: str) -> Secret[bytes]:
    if not re.fullmatch(f"[0-9a-fA-F]{{{STORE_KEY_HEX}}}", text):
        raise _Refused(f"{STORE_KEY_HEX} hexadecimal digits, such as `openssl rand -hex 32` prints")
    return Secret(bytes.fromhex(text))


def _token(text: str) -> Secret[str]:
    if len(text) < _MIN_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
        raise _Refused(f"at least {_MIN_TOKEN} printable ASCII characters without spaces")
    return Secret(text)


def _webhook_url(text: str) -> Secret[str]:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        usable = bool(host) and parts.port != 0 and parts.scheme in {"https", "http"} and not parts.fragment
        usable &= parts.scheme == "https" or not TcpAddress(host, 0).beyond_loopback
    except ValueError:  # a port that is none, a bracket that is not closed
        usable = False
    if not usable:
        raise _Refused("an https:// URL; http:// is for this machine alone, such as http://127.0.0.1:9000/hooks")
    return Secret(text)


def _webhook_secrets(text: str) -> Secret[tuple[str, ...]]:
    secrets = tuple(secret.strip() for secret in text.split(","))
    if len(secrets) > _MOST_SECRETS or not all(map(_is_webhook_secret, secrets)):
        raise _Refused(
            f"whsec_ and {_SECRET_BYTES[0]} to {_SECRET_BYTES[-1]} bytes in base64, such as `echo whsec_$(openssl rand -base64 32)` "
            "prints; two with a comma between them while the receiver goes from one to the other"
        )
    return Secret(secrets)


def _is_webhook_secret(text: str) -> bool:
    try:
        return text.startswith("whsec_") and len(b64decode(text.removeprefix("whsec_"), validate=True)) in _SECRET_BYTES
    except ValueError:
        return False


def _stripe_secrets(text: str) -> Secret[tuple[str, ...]]:
    secrets = tuple(secret.strip() for secret in text.split(","))
    if len(secrets) > _MOST_STRIPE_SECRETS or not all(re.fullmatch(r"whsec_[!-~]{16,250}", secret, re.ASCII) for secret in secrets):
        raise _Refused(f"the signing secret of the endpoint, whsec_...; up to {_MOST_STRIPE_SECRETS} with commas between them")
    return Secret(secrets)


_VARIABLES: Final[Mapping[str, _Variable]] = {
    "GATEWAY": _Variable("127.0.0.1:8080", "where the gateway asks: HOST:PORT, [IPv6]:PORT or unix:/PATH", _address),
    "OPERATOR": _Variable("127.0.0.1:8081", "where metrics, policy and docs are served; the same forms", _address),
    "DATA": _Variable("./ratelimit-data", "folder of the embedded store and of the store key", Path),
    "POLICY": _Variable("", "the policy file", Path, "./ratelimit.yaml if it is there, else the built-in policy"),
    "REDIS_URL": _Variable("", "Redis, Valkey or a Redis Cluster: redis://, rediss:// (TLS) or unix://", _redis_url, "the embedded store"),
    "STORE_KEY": _Variable(
        "", "64 hexadecimal digits that turn callers into the store's keys; the same for all sidecars, never changed; required with "
        "RATELIMIT_REDIS_URL", _store_key, "made once in the data folder",
    ),
    "SIGNALS": _Variable("on", "whether callers' behaviour is remembered and scored; off: limits alone", _choice("on", "off")),
    "SIGNALS_URL": _Variable("", "a store of their own for profiles, so that they take no memory from buckets", _redis_url, "the store"),
    "GATEWAY_TOKEN": _Variable("", "what the gateway must send as X-RateLimit-Token", _token, "nothing is asked"),
    "OPERATOR_TOKEN": _Variable("", "bearer token of the operator lane; /livez and /readyz never ask for it", _token, "nothing is asked"),
    "WORKERS": _Variable(
        "1", "processes that share the gateway lane, each a sidecar of its own; auto: one for each core that may be used", _workers
    ),
    "EXPECTED_SIDECARS": _Variable(
        "1", "among how many `ratelimit serve` a limit is divided while the store is away; their workers divide each part further",
        _integer(1, 100_000),
    ),
    "DEADLINE_MS": _Variable("10", "how long a decision may wait for the store, in milliseconds", _integer(1, 1_000)),
    "LATE_MS": _Variable("0", "how late answers may come for limits to hold at the gateway too, in milliseconds", _integer(0, 1_000)),
    "MAX_SUBJECTS": _Variable("100000", "subjects remembered per limit, by all workers together", _integer(100, 10_000_000)),
    "MAX_PROFILES": _Variable(
        "1000000", "profiles in the store, some 550 bytes each; beyond them only those that are there go on", _integer(64, 10_000_000_000)
    ),
    "IP_LISTS": _Variable("", "folder with lists of networks: hosting, VPN, relays, crawlers", Path, "none: what they say is unknown"),
    "COUNTRIES": _Variable("", "MaxMind database of countries, such as GeoLite2 or DB-IP", Path, "as the registries assigned addresses"),
    "WEBHOOK_URL": _Variable("", "where `hold.changed` is posted: https://, or http:// on this machine", _webhook_url, "nothing is told"),
    "WEBHOOK_SECRET": _Variable(
        "", "signs what is posted, as Standard Webhooks do: `whsec_` and 24 to 64 bytes in base64; two, with a comma between them, while "
        "the receiver goes from one to the other", _webhook_secrets, "required with RATELIMIT_WEBHOOK_URL",
    ),
    "STRIPE_SECRETS": _Variable(
        "", "signing secrets of the endpoint that Stripe sends events to, `whsec_...`; several, with commas between them, while one is "
        "exchanged for another", _stripe_secrets, "events are not taken in",
    ),
    "LOG_LEVEL": _Variable("info", "debug, info, warning or error", _choice("debug", "info", "warning", "error")),
    "LOG_FORMAT": _Variable("console", "console for people, json for machines", _choice("console", "json")),
}  # fmt: skip

_SHOWN: Final = frozenset(
    "GATEWAY OPERATOR SIGNALS WORKERS EXPECTED_SIDECARS DEADLINE_MS LATE_MS MAX_SUBJECTS MAX_PROFILES LOG_LEVEL LOG_FORMAT".split()
)


def documented() -> list[Documented]:
    """Every variable, for the documentation."""
    return [Documented(PREFIX + name, it.default or it.unset, it.meaning) for name, it in _VARIABLES.items()]


def read_settings(environment: Mapping[str, str], folder: Path = Path()) -> Settings:
    """The settings in `environment`; `folder` is where ratelimit.yaml is looked for. Raises ConfigError with every problem.

    An empty variable is an unset one.
    """
    problems = [_unknown(name) for name in sorted(environment) if _is_unknown(name)]
    values: dict[str, Any] = {}
    for name, variable in _VARIABLES.items():
        text = environment.get(PREFIX + name, "").strip() or variable.default
        try:
            values[name.lower()] = variable.parse(text) if text else None
        except _Refused as refused:
            found = shown(text) if name in _SHOWN else "what is set"  # which may be a secret, mistyped
            problems.append(f"{PREFIX}{name}: {found} is not allowed; expected {refused}")
    if values.get("redis_url") and environment.get("RATELIMIT_STORE_KEY", "").strip() == "":
        problems.append(
            "RATELIMIT_STORE_KEY: is not set, and RATELIMIT_REDIS_URL is; expected the same 64 hexadecimal digits for every sidecar, "
            "such as `openssl rand -hex 32` prints"
        )
    if values.get("webhook_url") and not environment.get("RATELIMIT_WEBHOOK_SECRET", "").strip():
        problems.append(
            "RATELIMIT_WEBHOOK_SECRET: is not set, and RATELIMIT_WEBHOOK_URL is; expected what the receiver checks signatures by"
        )
    if problems:
        raise ConfigError(problems)
    if values["policy"] is None and (folder / POLICY_FILE).exists():
        values["policy"] = folder / POLICY_FILE
    return Settings(**values)


def _is_unknown(name: str) -> bool:
    if not name.startswith(PREFIX) or name in _NOT_OURS or _SERVICE_LINK.search(name):
        return False
    return name.removeprefix(PREFIX) not in _VARIABLES


def _unknown(name: str) -> str:
    return (
        f"{shown(name)[1:-1]}: is not a setting{meant(name, [PREFIX + known for known in _VARIABLES])}; unset it, or see the README's table"
    )
