"""Paths and globs: no spelling slips past a limit, and no path makes matching slow or fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.path import PathGlobs, normal_path


@pytest.mark.parametrize(
    "spelling",
    [
        "/login", "//login", "/login/", "/login//", "/%6cogin", "/%6Cogin", "/login;x", "/login;a=b/", "/./login", "/a/../login", "/LOGIN",
        "/../login", "/..;/login", "/a/..;x/login", "/%2e/login", "/%2E%2e/login", "%2Flogin", "/login%2f", "\\login", "/login?next=/",
        "/login#top", "login", "http://host/login", "HTTPS://host:443//login?x", "/login/.", "/login/x/..", "/login%3bx",
    ],
)  # fmt: skip
def test_spelling_of_login(spelling: str) -> None:
    """Every way to spell /login is /login."""
    assert normal_path(spelling) == "/login"


@pytest.mark.parametrize("other", ["/login2", "/log/in", "/a/login", "/login.json", "/%256cogin", "/login%", "/login%zz", "/"])
def test_other_paths_stay_apart(other: str) -> None:
    """What is another path is not taken for /login."""
    assert normal_path(other) != "/login"


@pytest.mark.parametrize("path", ["", "/", "//", "?", "#", "/.", "/..", "/../..", "*", ";", "http://host", "/%2f"])
def test_root(path: str) -> None:
    """What is left with nothing is the root, a bare star is kept."""
    assert normal_path(path) == ("/*" if path == "*" else "/")


@given(st.text(alphabet=st.characters(), max_size=60) | st.text(alphabet="/.;%?#\\2eEfF5cA", max_size=60))
def test_any_text_has_a_normal_form(path: str) -> None:
    """Any text, lone surrogates and broken escapes too, has a form without empty, dot or parameter segments."""
    normal = normal_path(path)
    segments = normal[1:].split("/")
    assert normal.startswith("/")
    assert normal == "/" or not {"", ".", ".."} & set(segments)
    assert ";" not in normal
    assert "\\" not in normal


@pytest.mark.parametrize(
    ("glob", "meets", "misses"),
    [
        ("/login", ["/login", "/login/"], ["/login2", "/a/login", "/logi"]),
        ("/Login/", ["/login"], ["/login/x"]),
        ("/v1/generate*", ["/v1/generate", "/v1/generate/a/b", "/v1/generated"], ["/v1/gen", "/v2/generate"]),
        ("/files/*", ["/files/a", "/files/a/b", "/files/", "/files"], ["/filesa", "/file"]),
        ("/*/x/*/y", ["/a/x/b/y", "/a/b/x/x/y/y"], ["/x/b/y", "/a/x/y", "/a/x/b/y/c"]),
        ("*", ["/", "/a", "/a/b"], []),
        ("*.png", ["/a.png", "/a/b.PNG", "/a.png/"], ["/a.jpg", "/png"]),
        ("/a?c", ["/abc"], ["/ac", "/a/c", "/abbc"]),
        ("/a**b", ["/ab", "/axxb"], ["/a"]),
        ("/a.b[c]+", ["/a.b[c]+"], ["/axb[c]+", "/a.bc"]),
        ("/", ["/", ""], ["/a"]),
        ("/%7Euser", ["/~user", "/%7euser"], ["/user"]),
        ("/a*a", ["/aa", "/axa"], ["/a"]),
    ],
)
def test_glob(glob: str, meets: list[str], misses: list[str]) -> None:
    """A glob meets what it should and nothing else."""
    globs = PathGlobs([glob])
    assert [path for path in meets if not globs.meet(normal_path(path))] == []
    assert [path for path in misses if globs.meet(normal_path(path))] == []


def naive(glob: str, path: str) -> bool:
    """The plainest matcher there is, exponential in the stars."""
    if not glob:
        return not path
    if glob[0] == "*":
        return any(naive(glob[1:], path[index:]) for index in range(len(path) + 1))
    return bool(path) and (glob[0] == path[0] or (glob[0] == "?" and path[0] != "/")) and naive(glob[1:], path[1:])


@given(st.text("ab*?/", max_size=6).map(lambda tail: "/" + tail), st.text("ab/", max_size=8).map(normal_path))
def test_glob_agrees_with_naive_twin(glob: str, path: str) -> None:
    """Taking the first fit for good decides as trying every split does."""
    bare = glob.rstrip("/") or "/"
    assert PathGlobs([glob]).meet(path) == (naive(bare, path) or naive(bare, path + "/"))


def test_hostile_path_is_matched_in_reasonable_work() -> None:
    """A long path against a glob of many stars ends; by backtracking it would not within a life."""
    assert not PathGlobs(["/" + "*a" * 20 + "*b"]).meet("/" + "a" * 8_000)
