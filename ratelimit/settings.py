"""Deployment facts, read from the environment: where we listen, where the data is, which store, which secrets. The policy says the rest.

One table holds every variable with its default and its meaning; reading, the suggestions in messages and the documentation come from it.
All problems are reported at once. Milliseconds are `_ms`.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import Struct

from ratelimit.core.errors import ConfigError
from ratelimit.core.expectation import meant, shown
from ratelimit.setting_value import (
    Address,
    RefusedError,
    Secret,
    address,
    choice,
    console_url,
    database_url,
    hex_key,
    integer,
    ledger_keys,
    redis_url,
    share,
    stripe_secrets,
    timezone,
    token,
    webhook_secrets,
    webhook_url,
    workers,
)

PREFIX: Final = "RATELIMIT_"
POLICY_FILE: Final = "ratelimit.yaml"

# Kubernetes tells every pod of every Service: one called `ratelimit-x` makes RATELIMIT_X_PORT and the like
_SERVICE_LINK: Final = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$")
_NOT_OURS: Final = frozenset({"RATELIMIT_REQUIRE_ALL", "RATELIMIT_TEST_DATA"})  # tell tests what may not be skipped, and where data is


class Settings(Struct, frozen=True, kw_only=True):
    """What the environment says; None is the built-in policy, the embedded store, the data folder's store key, no token, no lists."""

    gateway: Address
    operator: Address
    data: Path
    policy: Path | None
    redis_url: Secret[str] | None
    store_key: Secret[bytes] | None
    database_url: Secret[str] | None
    ledger_key: Secret[tuple[bytes, ...]] | None
    allow_sample: float
    signals: str
    signals_url: Secret[str] | None
    gateway_token: Secret[str] | None
    operator_token: Secret[str] | None
    console_url: str | None
    console_timezone: str
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
        for name, place, secret in (("GATEWAY", self.gateway, self.gateway_token), ("OPERATOR", self.operator, self.operator_token)):
            if place.beyond_loopback and secret is None:
                found.append(f"RATELIMIT_{name}={place} can be reached from other machines and RATELIMIT_{name}_TOKEN is not set")
        return found


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


_VARIABLES: Final[Mapping[str, _Variable]] = {
    "GATEWAY": _Variable("127.0.0.1:8080", "where the gateway asks: HOST:PORT, [IPv6]:PORT or unix:/PATH", address),
    "OPERATOR": _Variable("127.0.0.1:8081", "where metrics, policy and docs are served; the same forms", address),
    "DATA": _Variable("./ratelimit-data", "folder of the embedded store and of the store key", Path),
    "POLICY": _Variable("", "the policy file", Path, "./ratelimit.yaml if it is there, else the built-in policy"),
    "REDIS_URL": _Variable("", "Redis, Valkey or a Redis Cluster: redis://, rediss:// (TLS) or unix://", redis_url, "the embedded store"),
    "STORE_KEY": _Variable(
        "", "64 hexadecimal digits that turn callers into the store's keys; the same for all sidecars, never changed; required with "
        "RATELIMIT_REDIS_URL", hex_key, "made once in the data folder",
    ),
    "DATABASE_URL": _Variable(
        "", "the ledger of records, cases and people: postgresql://HOST/NAME or sqlite:///PATH", database_url, "SQLite in the data folder"
    ),
    "LEDGER_KEY": _Variable(
        "", "64 hexadecimal digits that turn callers into the ledger's digests; two, with a comma between them, while one is exchanged for "
        "the other, the new one first; required with RATELIMIT_DATABASE_URL", ledger_keys, "made once in the data folder",
    ),
    "ALLOW_SAMPLE": _Variable("0.001", "share of allowed requests that are recorded, 0 to 1; every refusal is", share),
    "SIGNALS": _Variable("on", "whether callers' behaviour is remembered and scored; off: limits alone", choice("on", "off")),
    "SIGNALS_URL": _Variable("", "a store of their own for profiles, so that they take no memory from buckets", redis_url, "the store"),
    "GATEWAY_TOKEN": _Variable("", "what the gateway must send as X-RateLimit-Token", token, "nothing is asked"),
    "OPERATOR_TOKEN": _Variable("", "bearer token of the operator lane; /livez and /readyz never ask for it", token, "nothing is asked"),
    "CONSOLE_URL": _Variable(
        "", "where people open the console, such as https://ratelimit.example.com: its links say so, its cookies are for https alone, and "
        "requests for another host are refused", console_url, "where the operator lane listens",
    ),
    "CONSOLE_TIMEZONE": _Variable("UTC", "the time zone of the console's times, such as Europe/Berlin", timezone),
    "WORKERS": _Variable(
        "1", "processes that share the gateway lane, each a sidecar of its own; auto: one for each core that may be used", workers
    ),
    "EXPECTED_SIDECARS": _Variable(
        "1", "among how many `ratelimit serve` a limit is divided while the store is away; their workers divide each part further",
        integer(1, 100_000),
    ),
    "DEADLINE_MS": _Variable("10", "how long a decision may wait for the store, in milliseconds", integer(1, 1_000)),
    "LATE_MS": _Variable("0", "how late answers may come for limits to hold at the gateway too, in milliseconds", integer(0, 1_000)),
    "MAX_SUBJECTS": _Variable("100000", "subjects remembered per limit, by all workers together", integer(100, 10_000_000)),
    "MAX_PROFILES": _Variable(
        "1000000", "profiles in the store, some 550 bytes each; beyond them only those that are there go on", integer(64, 10_000_000_000)
    ),
    "IP_LISTS": _Variable("", "folder with lists of networks: hosting, VPN, relays, crawlers", Path, "none: what they say is unknown"),
    "COUNTRIES": _Variable("", "MaxMind database of countries, such as GeoLite2 or DB-IP", Path, "as the registries assigned addresses"),
    "WEBHOOK_URL": _Variable(
        "", "where the site is told of holds, cases and decisions, see docs/webhooks.md: https://, or http:// on this machine", webhook_url,
        "nothing is told",
    ),
    "WEBHOOK_SECRET": _Variable(
        "", "signs what is posted, as Standard Webhooks do: `whsec_` and 24 to 64 bytes in base64; two, with a comma between them, while "
        "the receiver goes from one to the other", webhook_secrets, "required with RATELIMIT_WEBHOOK_URL",
    ),
    "STRIPE_SECRETS": _Variable(
        "", "signing secrets of the endpoint that Stripe sends events to, `whsec_...`; several, with commas between them, while one is "
        "exchanged for another", stripe_secrets, "events are not taken in",
    ),
    "LOG_LEVEL": _Variable("info", "debug, info, warning or error", choice("debug", "info", "warning", "error")),
    "LOG_FORMAT": _Variable("console", "console for people, json for machines", choice("console", "json")),
}  # fmt: skip

_SHOWN: Final = frozenset(
    "GATEWAY OPERATOR CONSOLE_TIMEZONE SIGNALS WORKERS EXPECTED_SIDECARS DEADLINE_MS LATE_MS MAX_SUBJECTS MAX_PROFILES ALLOW_SAMPLE "
    "LOG_LEVEL LOG_FORMAT".split()
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
        except RefusedError as refused:
            found = shown(text) if name in _SHOWN else "what is set"  # which may be a secret, mistyped
            problems.append(f"{PREFIX}{name}: {found} is not allowed; expected {refused}")
    if values.get("redis_url") and environment.get("RATELIMIT_STORE_KEY", "").strip() == "":
        problems.append(
            "RATELIMIT_STORE_KEY: is not set, and RATELIMIT_REDIS_URL is; expected the same 64 hexadecimal digits for every sidecar, "
            "such as `openssl rand -hex 32` prints"
        )
    if values.get("database_url") and not environment.get("RATELIMIT_LEDGER_KEY", "").strip():
        problems.append(
            "RATELIMIT_LEDGER_KEY: is not set, and RATELIMIT_DATABASE_URL is; expected the same 64 hexadecimal digits wherever this "
            "database is used, such as `openssl rand -hex 32` prints"
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
