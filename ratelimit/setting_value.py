"""The values that settings have, and how each is read from text; what cannot be is refused with what was expected.

A secret shows itself nowhere.
"""

import re
from base64 import b64decode
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from ratelimit.cores import usable_cores

T = TypeVar("T")

STORE_KEY_HEX: Final = 64
_MAX_PORT: Final = 65_535
_MIN_TOKEN: Final = 16
MAX_WORKERS: Final = 256
_MOST_SECRETS: Final = 2
_SECRET_BYTES: Final = range(24, 65)  # as Standard Webhooks have it
_MOST_STRIPE_SECRETS: Final = 4


class RefusedError(Exception):
    """A value that is not what its variable needs; says what was expected."""


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


def address(text: str) -> Address:
    """HOST:PORT or unix:/PATH."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/") or "\0" in path:
            raise RefusedError("unix: and an absolute path, such as unix:/run/ratelimit/gateway.sock")
        return UnixAddress(Path(path))
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if not colon or not host or (":" in host) != bracketed or not (port.isascii() and port.isdigit() and int(port[:6]) <= _MAX_PORT):
        raise RefusedError("HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, or unix:/PATH")
    return TcpAddress(host, int(port))


def integer(least: int, most: int) -> Callable[[str], int]:
    """A reader of integers from `least` to `most`."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
            raise RefusedError(f"an integer from {least} to {most}")
        return int(text)

    return parse


def workers(text: str) -> int:
    """How many processes, or auto."""
    if text.lower() == "auto":
        return usable_cores()
    try:
        return integer(1, MAX_WORKERS)(text)
    except RefusedError as refused:
        raise RefusedError(f"{refused}, or auto") from None


def choice(*choices: str) -> Callable[[str], str]:
    """A reader of one of these words."""

    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise RefusedError(f"one of {', '.join(choices)}")
        return text.lower()

    return parse


def redis_url(text: str) -> Secret[str]:
    """Where a store is."""
    try:
        parts = urlsplit(text)
        by_network = parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and parts.port != 0
        usable = by_network or (parts.scheme == "unix" and bool(parts.path))
    except ValueError:  # a port that is none, a bracket that is not closed
        usable = False
    if not usable:
        raise RefusedError("redis://HOST:PORT/DB, rediss:// for TLS, or unix:///PATH")
    return Secret(text)


def hex_key(text: str) -> Secret[bytes]:
    """32 bytes in hexadecimal digits."""
    if not re.fullmatch(f"[0-9a-fA-F]{{{STORE_KEY_HEX}}}", text):
        raise RefusedError(f"{STORE_KEY_HEX} hexadecimal digits, such as `openssl rand -hex 32` prints")
    return Secret(bytes.fromhex(text))


def ledger_keys(text: str) -> Secret[tuple[bytes, ...]]:
    """One key, or the new one and the old one."""
    keys = [key.strip() for key in text.split(",")]
    if len(keys) > _MOST_SECRETS or not all(re.fullmatch(f"[0-9a-fA-F]{{{STORE_KEY_HEX}}}", key) for key in keys):
        raise RefusedError(
            f"{STORE_KEY_HEX} hexadecimal digits, such as `openssl rand -hex 32` prints, or two of these with a comma between"
        )
    return Secret(tuple(map(bytes.fromhex, keys)))


def database_url(text: str) -> Secret[str]:
    """Where the ledger is."""
    try:
        parts = urlsplit(text)
        on_server = parts.scheme == "postgresql" and bool(parts.path.strip("/")) and parts.port != 0
        usable = on_server or (parts.scheme == "sqlite" and parts.path.startswith("/") and len(parts.path) > 1 and not parts.netloc)
    except ValueError:  # a port that is none, a bracket that is not closed
        usable = False
    if not usable:
        raise RefusedError("postgresql://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH")
    return Secret(text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise RefusedError("a number from 0 to 1, such as 0.001")
    return found


def token(text: str) -> Secret[str]:
    """What a caller has to send."""
    if len(text) < _MIN_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
        raise RefusedError(f"at least {_MIN_TOKEN} printable ASCII characters without spaces")
    return Secret(text)


def webhook_url(text: str) -> Secret[str]:
    """Where messages are posted."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        usable = bool(host) and parts.port != 0 and parts.scheme in {"https", "http"} and not parts.fragment
        usable &= parts.scheme == "https" or not TcpAddress(host, 0).beyond_loopback
    except ValueError:  # a port that is none, a bracket that is not closed
        usable = False
    if not usable:
        raise RefusedError("an https:// URL; http:// is for this machine alone, such as http://127.0.0.1:9000/hooks")
    return Secret(text)


def console_url(text: str) -> str:
    """Where a browser finds the console: scheme, host and port."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        usable = re.fullmatch(r"[a-z0-9.:-]+", host) is not None and parts.port != 0 and parts.scheme in {"https", "http"}
    except ValueError:  # a port that is none, a bracket that is not closed
        usable, host = False, ""
    usable &= text.startswith("https") or not TcpAddress(host, 0).beyond_loopback
    origin = re.fullmatch(r"(https?://[^/?#@\\\s]+)/?", text)
    if not usable or origin is None:
        raise RefusedError("https:// and a host, without a path; http:// is for this machine alone, such as http://localhost:8081")
    return origin[1].lower()


def timezone(text: str) -> str:
    """The name of a time zone."""
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):  # unknown; a path; a folder of zones such as 'Europe'
        raise RefusedError("the name of a time zone, such as Europe/Berlin or UTC") from None
    return text


def webhook_secrets(text: str) -> Secret[tuple[str, ...]]:
    """What they are signed by."""
    secrets = tuple(secret.strip() for secret in text.split(","))
    if len(secrets) > _MOST_SECRETS or not all(map(_is_webhook_secret, secrets)):
        raise RefusedError(
            f"whsec_ and {_SECRET_BYTES[0]} to {_SECRET_BYTES[-1]} bytes in base64, such as `echo whsec_$(openssl rand -base64 32)` "
            "prints; two with a comma between them while the receiver goes from one to the other"
        )
    return Secret(secrets)


def _is_webhook_secret(text: str) -> bool:
    try:
        return text.startswith("whsec_") and len(b64decode(text.removeprefix("whsec_"), validate=True)) in _SECRET_BYTES
    except ValueError:
        return False


def stripe_secrets(text: str) -> Secret[tuple[str, ...]]:
    """What Stripe's events are signed by."""
    secrets = tuple(secret.strip() for secret in text.split(","))
    if len(secrets) > _MOST_STRIPE_SECRETS or not all(re.fullmatch(r"whsec_[!-~]{16,250}", secret, re.ASCII) for secret in secrets):
        raise RefusedError(f"the signing secret of the endpoint, whsec_...; up to {_MOST_STRIPE_SECRETS} with commas between them")
    return Secret(secrets)


def place_of(url: str) -> str:
    """Where a server or a file is, for a person who reads: the URL without login, password and options."""
    parts = urlsplit(url)
    return f"{parts.scheme.partition('+')[0]}://{parts.netloc.rpartition('@')[2]}{parts.path}"
