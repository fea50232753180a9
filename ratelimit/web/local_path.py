"""Where to go after logging in: a place of ours, and nowhere else, whatever an address says."""

from typing import Final

HOME: Final = "/"
_LONGEST: Final = 1_000


def local_path(text: str) -> str:
    """The path and query if they are ours, else the start page.

    Two slashes, or to browsers a slash and a backslash, lead to another site. A control character would end the header, or be skipped on
    the way to one.
    """
    plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") and len(text) <= _LONGEST else HOME
