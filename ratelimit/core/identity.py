"""Who asks: where the authorize lanes find it, and what the limits are told of it.

The policy names the headers that are believed; nothing else of a request is. A raw API key is turned into its keyed digest as soon as it is
read and goes no further. Costs are in tokens.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated, Final, NamedTuple, Protocol

from msgspec import Meta, Struct

from ratelimit.core.base32 import DIGEST_BYTES, base32
from ratelimit.core.request import MAX_COST

MAX_NAME: Final = 512  # characters of a key, an account or a plan, the same as in the body of /v1/check

_MOST_WRITTEN: Final = 16_384  # digests whose text is remembered; some 3 MB
_MAX_DIGITS: Final = len(str(MAX_COST))


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value stands in a request: in the header `header`, or as the token of `Authorization: Bearer` (exactly one of the two)."""

    header: str | None = None
    bearer: bool = False


class Identity(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the authorize lanes find who asks; of several places one may hold something, or all the same.

    `trusted_proxies` are the networks whose X-Forwarded-For is believed, `ipv6_prefix` is how many bits make one IPv6 caller. Account, plan
    and cost have no place by default: a gateway that does not overwrite those headers would let clients choose them.
    """

    api_key: tuple[Place, ...] = (Place(header="X-Api-Key"), Place(bearer=True))
    account: tuple[Place, ...] = ()
    plan: tuple[Place, ...] = ()
    cost: tuple[Place, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    ipv6_prefix: Annotated[int, Meta(ge=32, le=128)] = 64


class Headers(Protocol):
    """What we need of a request's headers; multidict's have it. Names are found in any case."""

    def getall(self, key: str, default: list[str], /) -> list[str]:
        """Every value of the header, in order."""


class Found(NamedTuple):
    """What a request's headers say of its caller; `problem` says what is wrong with them, and then the rest is not to be used."""

    api_key: str | None = None  # raw: give it to ApiKeys.digest and drop it
    account: str | None = None
    plan: str | None = None
    cost: int = 1
    problem: str | None = None

    def __repr__(self) -> str:
        # the default would print the API key into whatever log or traceback shows this
        return f"Found(account={self.account!r} plan={self.plan!r} cost={self.cost} problem={self.problem!r})"


class Caller(Struct, frozen=True, gc=False):
    """Who asks, as the limits see it: the key's digest, the packed address (an IPv6 one already cut to its prefix), account and plan."""

    api_key: str | None = None
    ip: bytes | None = None
    account: str | None = None
    plan: str | None = None


class ApiKeys:
    """Turns raw API keys into what we keep of them: a BLAKE2b of 128 bits, keyed with the store key, in 26 characters."""

    def __init__(self, key: bytes) -> None:
        # `person` keeps these digests apart from others made with the same key
        self._keyed = blake2b(key=key, digest_size=DIGEST_BYTES, person=b"rl api key")
        self._written: dict[bytes, str] = {}  # by digest: writing one takes longer than making it, and raw keys are not kept

    def digest(self, raw: str) -> str:
        """The digest of `raw`; the same for the same key, and nothing leads back."""
        keyed = self._keyed.copy()
        keyed.update(raw.encode("utf-8", "surrogatepass"))
        digest = keyed.digest()
        text = self._written.get(digest)
        if text is None:
            if len(self._written) >= _MOST_WRITTEN:
                self._written.clear()
            text = self._written[digest] = base32(digest)
        return text


class _Refused(Exception):  # noqa: N818 - control flow within this module, no error of a user
    """A header that cannot be used."""


def read_identity(identity: Identity, headers: Headers) -> Found:
    """What `headers` say of the caller, at the places that `identity` names and nowhere else."""
    try:
        return Found(
            api_key=_first(identity.api_key, headers),
            account=_first(identity.account, headers),
            plan=_first(identity.plan, headers),
            cost=_cost(identity.cost, headers) if identity.cost else 1,
        )
    except _Refused as refused:
        return Found(problem=str(refused))


def _first(places: Sequence[Place], headers: Headers) -> str | None:
    """The value at one of the places; two that differ are refused, since the upstream may take the one that we would not count."""
    found, at = None, ""
    for place in places:
        name = place.header or "Authorization"
        value = _bearer(headers) if place.header is None else _single(place.header, headers)
        if not value:
            continue
        if len(value) > MAX_NAME:
            raise _Refused(f"{name} has {len(value)} characters; expected at most {MAX_NAME}")
        if "," in value:  # how proxies (Envoy, HAProxy) write a header that was there several times
            raise _Refused(f"{name} holds a comma, as if it was there several times; expected one value")
        if found is not None and found != value:
            raise _Refused(f"{at} and {name} hold different values; expected one of them")
        found, at = value, name
    return found


def _single(header: str, headers: Headers) -> str:
    values = headers.getall(header, [])
    if len(values) > 1:  # one of them is the client's own, and which one cannot be told
        raise _Refused(f"{header} is there {len(values)} times; expected once")
    return values[0].strip() if values else ""


def _bearer(headers: Headers) -> str:
    scheme, _, token = _single("Authorization", headers).partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _cost(places: Sequence[Place], headers: Headers) -> int:
    text = _first(places, headers)
    if text is None:
        return 1
    # int() alone would take '+1', '1_000' and digits of other scripts
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text) <= MAX_COST):
        raise _Refused(f"the cost {text[:20]!r} is not allowed; expected an integer from 0 to {MAX_COST}")
    return int(text)
