"""Numbers as people read them, and text that others chose, such as an account in a log, made fit to be shown."""


def percent(part: int, whole: int) -> str:
    """How much of the whole a part is."""
    return f"{100 * part / whole:.1f} %" if whole else "0 %"


def printable(text: str) -> str:
    r"""`text` with what cannot be printed as its escape, such as `\x1b` or `\u202e`, so that it steers no terminal and hides nothing."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode() for one in text)
