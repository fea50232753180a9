"""Numbers as people read them, and text that others chose, such as an account in a log, made fit to be shown."""

from rich.markup import escape


def percent(part: int, whole: int) -> str:
    """How much of the whole a part is."""
    return f"{100 * part / whole:.1f} %" if whole else "0 %"


def printable(text: str) -> str:
    r"""`text` with what cannot be printed as its escape, such as `\x1b` or `\u202e`, so that it steers no terminal and hides nothing."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode() for one in text)


def shown(text: str) -> str:
    """The same for rich, which would take `[bold]` for markup."""
    return escape(printable(text))


def figure(value: float) -> str:
    """A signal's value, to three digits."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
