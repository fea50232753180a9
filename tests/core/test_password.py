"""Which passwords are good enough."""

import pytest

from ratelimit.core.password import LONGEST, normal, weakness

GOOD = [
    "kettle ovid gravel moth",
    "dürre Wolken über Kiel",
    "xK3!pQ9#vL2$",
    "passwords are a sad affair",
    "x" * 5 + "abbey lantern",
    "森の中に青い自転車と猫がいる",
    "my monkey eats 41 shoes",
]
WEAK = [
    ("short", "5 characters; expected at least 12"),
    ("elevenchars", "11 characters"),
    ("x" * (LONGEST + 1), "more than 256"),
    ("aaaaaaaaaaaa", "repeats"),
    ("abababababab", "repeats"),
    ("hunter2hunter2", "repeats"),
    ("123456789012", "repeats"),
    ("qwertyuiop1234", "runs along"),
    ("0987654321qwerty", "runs along"),
    ("Abcdefghijklm", "runs along"),
    ("Password2026!", "tried first"),
    ("p@ssw0rd!2026", "tried first"),
    ("P4ssw0rd P4ssw0rd", "tried first"),
    ("welcomeadmin1", "tried first"),
    ("Sommer!2026letmein", None),
    ("summerpassword", "tried first"),
    ("correct horse battery staple", "tried first"),
    ("1234 administrator 1234", "tried first"),
    ("mira.keller2026", "login"),
    ("Mira.Keller!!", "login"),
]


@pytest.mark.parametrize("password", GOOD)
def test_good(password: str) -> None:
    """Long and not what everybody tries: of any script, without capitals, digits or signs."""
    assert weakness(normal(password), "mira.keller@example.com") is None


@pytest.mark.parametrize(("password", "why"), WEAK)
def test_weak(password: str, why: str | None) -> None:
    """It says why, and does not repeat the password."""
    found = weakness(normal(password), "mira.keller")
    assert (found is None) == (why is None)
    if why is not None:
        assert why in (found or "")
        assert password not in (found or "")


def test_composed_in_any_way() -> None:
    """An umlaut is the same from every keyboard."""
    assert normal(" u\N{COMBINING DIAERESIS}ber \N{LATIN SMALL LIGATURE FI}n") == "über fin"


def test_a_short_login_is_in_many_words() -> None:
    """Only what is little more than the login is refused."""
    assert weakness("lantern al gravel", "al") is None
    assert weakness("kim gravel lantern", "kim") is None
