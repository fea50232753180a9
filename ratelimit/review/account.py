"""What people's accounts are told of and shown as. Times are seconds since the epoch."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from ratelimit.core import login as logins
from ratelimit.core.principal import Role, Scope
from ratelimit.ledger.people import PersonRow

Name = Annotated[str, Meta(min_length=1, max_length=120)]
Login = Annotated[str, Meta(min_length=1, max_length=logins.LONGEST)]
Password = Annotated[str, Meta(min_length=1, max_length=1_000)]  # longer ones are not even looked at
Kind = Literal["missing", "conflict", "forbidden", "invalid", "refused", "locked"]


class AccountError(Exception):
    """What cannot be done. `path` is the wrong field, "" for none; `until` is when a lock ends."""

    def __init__(self, kind: Kind, text: str, path: str = "", until: float | None = None) -> None:
        super().__init__(text)
        self.kind, self.path, self.until = kind, path, until


class Where(Struct, frozen=True):
    """Where somebody is: the address, the network that is kept of it, and the browser."""

    address: str
    network: str
    browser: str


class Invited(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody to be let in."""

    login: Login
    name: Name
    role: Role


class Change(Struct, frozen=True, forbid_unknown_fields=True):
    """What an admin changes of a person; null: nothing."""

    role: Role | None = None
    name: Name | None = None
    disabled: bool | None = None


class NewPassword(Struct, frozen=True, forbid_unknown_fields=True):
    """The password that one has, and the one that one wants."""

    current: Password
    wanted: Password


class TokenAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be made; `days` is how long it works, null: until it is revoked."""

    name: Annotated[str, Meta(min_length=1, max_length=57, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]
    role: Role
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=20)]
    days: Annotated[int, Meta(ge=1, le=3_650)] | None = None


class PersonView(Struct, frozen=True, kw_only=True):
    """A person as admins see them. `invited_until`: until when a link works that sets a password."""

    id: int
    login: str
    name: str
    role: Role
    state: Literal["active", "invited", "disabled"]
    made_at: float
    made_by: str
    seen_at: float | None
    invited_until: float | None = None


class LinkView(Struct, frozen=True):
    """What a link is for; `login` null: the first admin, who names themselves."""

    login: str | None
    name: str | None
    role: Role


class LinkMade(Struct, frozen=True):
    """A link that sets a password, once, and for whom. It is shown once."""

    person: PersonView
    link: str
    until: float


class SessionView(Struct, frozen=True):
    """A session as its person sees it; `current`: the one that asks."""

    id: str
    made_at: float
    seen_at: float
    network: str
    browser: str
    current: bool


class TokenView(Struct, frozen=True, kw_only=True):
    """A token without its secret. `state` says whether it works."""

    id: int
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    made_at: float
    made_by: str
    until: float | None
    used_at: float | None
    state: Literal["works", "ended", "revoked"]


class TokenMade(Struct, frozen=True):
    """A new token, and the only time that it is shown."""

    token: str
    view: TokenView


def person_view(row: PersonRow, invited_until: float | None = None) -> PersonView:
    """A person as admins see them."""
    return PersonView(
        id=row.id,
        login=row.login,
        name=row.name,
        role=row.role,
        state="disabled" if row.disabled_at is not None else "active" if row.active else "invited",
        made_at=row.made_at,
        made_by=row.made_by,
        seen_at=row.seen_at,
        invited_until=invited_until,
    )
