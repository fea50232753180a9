"""Messages on their way from a sidecar through a real store into a ledger."""

from collections.abc import Sequence

from ratelimit.core.message import Bought, Concluded, Decided, Entity, Happened, Message
from ratelimit.core.protocols import Store
from ratelimit.ledger.intake import Intake
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.intake import intake_of as wired
from ratelimit.service.recorder import Recorder

NOW = 1_790_000_000.0
KEYS = [b"k" * 32]


KEPT = frozenset({"card"})  # what a site has turned on of what nobody has to keep


def intake_of(ledger: Ledger, keep: frozenset[str] = KEPT) -> Intake:
    """All handlers of this part."""
    return wired(ledger, Subjects(KEYS), lambda: keep)


async def send(store: Store, messages: Sequence[Message], now: float = NOW) -> None:
    """Put messages into the stream."""
    recorder = Recorder(store, lambda: now)
    for message in messages:
        recorder.put(message)
    assert await recorder.flush()


def decided(
    number: int,
    *,
    account: str | None = "anna",
    key: str | None = "KEYDIGEST",
    address: str | None = "192.0.2.7",
    at: float = NOW,
    decision: str = "throttle",
    reason: str = "rate_exceeded",
    weight: float = 1.0,
    path: str = "/v1/images",
    user_agent: str | None = "curl/8",
    subject: str | None = "api_key:KEYDIGEST",
    signals: bytes | None = None,
) -> Decided:
    """A decision."""
    return Decided(
        f"r-{number}", at, decision, reason, "key", subject, key, account, address, "GET", path, user_agent, "example.com", "free", 1,
        weight, 0, 1.5, "policy", signals=signals, signal_version=1 if signals else None,
    )  # fmt: skip


def bought(
    purchase: str,
    *,
    account: str = "anna",
    attempt: int = 1,
    card: str = "CARDPSEUDONYM",
    address: str = "192.0.2.7",
    at: float = NOW,
    decision: str = "allow",
    action: str = "accept",
    device: str | None = "DEVICE",
    record: str | None = None,
    amount: int = 500,
) -> Bought:
    """A purchase with all that it can share."""
    entities = [Entity("account", account), Entity("card", card, "•••• 4242"), Entity("ip", address), Entity("network", "192.0.2.0/24")]
    entities += [Entity("email", f"{account}-root", f"{account}@example.com"), Entity("email_domain", "domain", "example.com")]
    entities += [Entity("device", device)] if device is not None else []
    return Bought(
        record or f"p-{purchase}-{attempt}", at, purchase, attempt, "purchase", tuple(entities), amount, "eur", 100, decision, action, "ok",
        None, 0.0, 0, None, "policy", last4="4242", exp_month=4, exp_year=2030, card_country="DE", brand="visa", funding="credit",
    )  # fmt: skip


def concluded(purchase: str, *kinds: str, account: str = "anna", attempt: int = 1, known_at: float = NOW) -> Concluded:
    """What became of it."""
    happened = tuple(Happened(f"evt-{purchase}-{attempt}-{kind}", kind, known_at, known_at) for kind in kinds)
    return Concluded(purchase, attempt, account, happened)
