"""Which passwords are good enough. Pure: whoever keeps them hashes them, see service/passwords.

Length counts, and not being what everybody tries first; nothing is asked about capitals, digits and signs, which people add at the end.
"""

import re
import unicodedata
from typing import Final

SHORTEST: Final = 12  # characters
LONGEST: Final = 256  # of which none is cut off
_FEWEST: Final = 5  # different characters

# what lists of stolen passwords are full of, also with figures and signs before, behind and between
_COMMON: Final = frozenset(
    "password passwort passphrase passw0rd motdepasse contrasena senha parola qwerty qwertz azerty qwertyuiop asdfghjkl zxcvbnm qazwsx "
    "qazwsxedc letmein welcome willkommen hello iloveyou admin administrator root superuser master login user username guest default "
    "secret geheim changeme changeit test testing tester example demo temp temporary monkey dragon football baseball basketball soccer "
    "princess sunshine shadow superman batman starwars trustno michael jennifer jordan michelle charlie computer internet google facebook "
    "microsoft windows apple samsung company office summer winter spring autumn january february march april june july august september "
    "october november december monday friday fraud ratelimit limiter console analyst analysts correcthorsebatterystaple "
    "thequickbrownfox loremipsum abcdef abcdefgh abcdefghijkl".split()
)
_ROWS: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm")
_LIKE: Final = str.maketrans("013457@$!", "oieastasi")
_LONGEST_RUN: Final = 4  # characters in a row of a keyboard or of the alphabet that still are a part of a word


def normal(password: str) -> str:
    """The same password, however a keyboard composed its characters; spaces around it do not count."""
    return unicodedata.normalize("NFKC", password).strip()


def weakness(password: str, login: str) -> str | None:
    """What is wrong with a normal password for this login, and what would do; None: nothing."""
    if len(password) < SHORTEST:
        return (
            f"it has {len(password)} characters; expected at least {SHORTEST}, such as four words that have nothing to do with one another"
        )
    if len(password) > LONGEST:
        return f"it has more than {LONGEST} characters; expected fewer"
    plain = password.casefold()
    if _is_made_of(login.casefold(), plain):
        return "it is the login with little added; expected something that nobody knows of you"
    if len(set(plain)) < _FEWEST or _is_repeated(plain) or _is_run(plain):
        return "it repeats itself or runs along the keyboard, which is tried early; expected something else"
    if _is_common(plain):
        return (
            "it is one of those that are tried first; expected something else, such as four words that have nothing to do with one another"
        )
    return None


def _is_made_of(login: str, plain: str) -> bool:
    names = {login, login.partition("@")[0]}
    return any(len(name) >= 3 and name in plain and len(plain.replace(name, "")) < SHORTEST // 2 for name in names)


def _is_repeated(plain: str) -> bool:
    return re.fullmatch(r"(.{1,8}?)\1+.{0,4}", plain, re.DOTALL) is not None


def _is_run(plain: str) -> bool:
    """Whether little is left where rows of keys, forwards or backwards, are taken out."""
    left = plain
    for row in _ROWS:
        for line in (row, row[::-1]):
            for length in range(len(line), _LONGEST_RUN - 1, -1):
                for start in range(len(line) - length + 1):
                    left = left.replace(line[start : start + length], "")
    return len(left) < _FEWEST


def _is_common(plain: str) -> bool:
    words = {re.sub(r"[^a-z]", "", plain), re.sub(r"[^a-z]", "", plain.translate(_LIKE))}
    words |= {re.sub(r"[^a-z]", "", plain.strip("0123456789!?.,-_*#$%&+ ").translate(_LIKE))}
    return any(word in _COMMON or _is_doubled(word) for word in words)


def _is_doubled(word: str) -> bool:
    """Whether it is two of the common ones, one behind the other."""
    return any(word[:place] in _COMMON and word[place:] in _COMMON for place in range(3, len(word) - 2))
