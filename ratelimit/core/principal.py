"""Who asks the operator lane: a person by a session, automation by a token, or whoever has the deployment's own token."""

from typing import Final, Literal, get_args

from msgspec import Struct

Role = Literal["viewer", "analyst", "admin"]  # each may what those before it may
Via = Literal["session", "token", "operator"]
Scope = Literal[
    "records:read", "cases:read", "cases:write", "actions:write", "rules:read", "rules:write", "overrides:read", "overrides:write",
    "privacy:write", "users:write", "audit:read",
]  # fmt: skip

ROLES: Final[tuple[Role, ...]] = get_args(Role)
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
OPERATOR_ID: Final = 0  # no person has it


class Principal(Struct, frozen=True, kw_only=True):
    """Who asks. `id` is the person's; a token's is below 0, so it is nobody's; `login` is how words and the audit name it.

    `scopes` are a token's alone. `session` is the id of the session that it came by.
    """

    id: int
    login: str
    name: str
    role: Role
    via: Via
    scopes: frozenset[str] = frozenset()
    session: str | None = None

    def may(self, role: Role, scope: str | None = None) -> bool:
        """Whether it may what needs this role and, of a token, this scope."""
        if self.via == "token" and scope is not None and scope not in self.scopes:
            return False
        return ROLES.index(self.role) >= ROLES.index(role)


OPERATOR: Final = Principal(id=OPERATOR_ID, login="operator", name="Operator", role="admin", via="operator")
