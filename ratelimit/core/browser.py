"""Which browser a session is of, in words that its person knows it by. Pure.

What a browser says of itself is anybody's text; here it only chooses among words of ours.
"""

from typing import Final

# in this order: most browsers name those that they are like as well
_BROWSERS: Final = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
_LOOKED_AT: Final = 500  # characters


def browser(user_agent: str | None) -> str:
    """Such as `Firefox on Linux`."""
    text = (user_agent or "")[:_LOOKED_AT]
    name = next((name for mark, name in _BROWSERS if mark in text), "Another browser")
    system = next((name for mark, name in _SYSTEMS if mark in text), None)
    return name if system is None else f"{name} on {system}"
