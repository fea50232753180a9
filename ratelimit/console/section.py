"""The sections of the console: what the top bar links to, which key goes there, and who may."""

from typing import Final

from msgspec import Struct

from ratelimit.core.principal import Role


class Section(Struct, frozen=True):
    """One of them. `key` follows `g`; `icon` stands in the tab bar of a phone, "" if it is under More there."""

    name: str
    path: str
    key: str
    icon: str = ""
    role: Role = "viewer"


SECTIONS: Final = (
    Section("Overview", "/overview", "o"),
    Section("Queue", "/queue", "q", "queue"),
    Section("Traffic", "/traffic", "t", "traffic"),
    Section("Rules", "/rules", "r", "rules"),
    Section("Models", "/models", "m"),
    Section("Lists", "/lists", "l"),
    Section("Audit", "/audit", "a", role="analyst"),
    Section("Privacy", "/privacy", "p"),
    Section("Users", "/users", "u", role="admin"),
)
