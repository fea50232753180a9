"""What is told only afterwards: how a request was answered, and what happens in an account's life.

It comes from the owner's side, by `/v1/events` or a log, and adds to the signals of subjects that are watched; it never makes a request
look as if it had not been asked. Of a status only 4xx counts against the caller: 5xx is the owner's own fault.
"""

from typing import Final, Literal, NamedTuple, get_args

from ratelimit.core.identity import Caller

LifeEvent = Literal["signup", "login", "login_failed", "key_created", "email_changed", "trial_granted", "closed"]
LIFE_EVENTS: Final[tuple[LifeEvent, ...]] = get_args(LifeEvent)

TOO_MANY: Final = 429

Count = tuple[str, float]  # a name of core.profile.COUNTS, and how much


class Told(NamedTuple):
    """Counts to add to each subject of the caller."""

    caller: Caller
    counts: tuple[Count, ...]


_OF_LIFE: Final[dict[str, tuple[Count, ...]]] = {
    "signup": (("signups", 1.0),),
    "login": (("logins", 1.0),),
    "login_failed": (("logins", 1.0), ("failed_logins", 1.0)),
}


def answered(caller: Caller, status: int, size_bytes: int = 0) -> Told:
    """A request that had passed was answered with that status and so many bytes.

    429 is what a limiter answers, ours as a rule, to a request that did not pass: no count of what did takes it in.
    """
    if status == TOO_MANY:
        return Told(caller, ())
    counts: list[Count] = [("answered", 1.0)]
    if 400 <= status < 500:
        counts.append(("errors", 1.0))
    if status in {401, 403}:
        counts.append(("denied", 1.0))
    if size_bytes > 0:
        counts.append(("bytes", float(size_bytes)))
    return Told(caller, tuple(counts))


def lived(caller: Caller, event: str) -> Told | None:
    """Something in an account's life; None where no signal counts it."""
    counts = _OF_LIFE.get(event)
    return None if counts is None else Told(caller, counts)
