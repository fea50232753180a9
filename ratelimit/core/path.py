r"""Paths of requests against the globs of a policy, in such a way that no spelling of a path slips past a limit.

Servers differ in what they take for the same path, and an attacker picks the spelling. So a path is brought to its plainest form before it
is compared, and where servers differ the form is the one that more limits meet: escapes are decoded once (`%6cogin`, `%2F` too), `\` is
`/`, a segment ends at `;`, empty and dot segments vanish, case does not matter, nor does a slash at the end; query and fragment are no part
of it. Invalid escapes stay as they are. What that costs is a request that now and then is charged to a limit for a path that its server
tells apart.

In a glob `*` is anything, slashes too, and `?` one character but a slash. It is compared with the path without and with a slash at its end,
so `/files/*` meets `/files`, and `/login` meets `/login/`.
"""

import re
from collections.abc import Iterable
from typing import Final

_ESCAPES: Final = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_PLAIN: Final = re.compile(r"(?:/[a-z0-9_~-][a-z0-9_.~-]*)+")  # nothing to do: as most paths are
_ORIGIN: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/]*")  # of a request line in absolute form
_WILD: Final = re.compile(r"([*?])")


def _decoded(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "replace")


def unescape(text: str) -> str:
    """Percent escapes decoded, once; what is no escape stays."""
    return _ESCAPES.sub(_decoded, text)


def normal_path(path: str) -> str:
    """The plainest spelling of `path`, beginning with a slash and, but for the root, not ending in one. Takes any text, never raises."""
    if _PLAIN.fullmatch(path):
        return path
    path = _ORIGIN.sub("", path.partition("?")[0].partition("#")[0], count=1)
    kept: list[str] = []
    for segment in unescape(path).replace("\\", "/").lower().split("/"):
        name = segment.partition(";")[0]
        if name == "..":
            del kept[-1:]
        elif name not in {"", "."}:
            kept.append(name)
    return "/" + "/".join(kept)


def _glob_pattern(glob: str) -> str:
    """One glob as a regular expression whose cost is linear, whatever the path.

    The first place where the text between two stars fits is as good as any later one, so it is taken for good (an atomic group): `*a*b*c`
    cannot be made to backtrack by a long path of a's.
    """
    chunks = [
        "".join("[^/]" if part == "?" else re.escape(part) for part in _WILD.split(piece))
        for piece in re.split(r"\*+", unescape(glob).lower())
    ]
    first, *between = chunks
    if not between:
        return first
    last = between.pop()
    return first + "".join(f"(?>.*?{chunk})" for chunk in between) + f".*{last}"


class PathGlobs:
    """Several globs compiled into one question: does a path, already in its normal form, fit any of them?"""

    def __init__(self, globs: Iterable[str]) -> None:
        whole = (glob.rstrip("/") or "/" for glob in globs)
        self._fits = re.compile("|".join(f"(?:{_glob_pattern(glob)})" for glob in whole), re.DOTALL).fullmatch

    def meet(self, path: str) -> bool:
        """Whether the normal form `path` fits, with or without a slash at its end."""
        return self._fits(path) is not None or self._fits(path + "/") is not None
