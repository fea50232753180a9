"""What a client is taken for, by its word and by its address."""

import pytest

from ratelimit.core.address_facts import AddressFacts
from ratelimit.core.agent import AgentClass, Declared, agent_class, together

GOOGLE = Declared(AgentClass.CRAWLER, frozenset({"googlebot"}))
BROWSER, LIBRARY, CRAWLER = (Declared(one) for one in (AgentClass.BROWSER, AgentClass.LIBRARY, AgentClass.CRAWLER))


def at(crawler: str | None, *checked: str) -> AddressFacts:
    return AddressFacts(None, None, None, None, crawler, frozenset(checked), b"")


@pytest.mark.parametrize(
    ("declared", "facts", "taken_for"),
    [
        (GOOGLE, at("googlebot", "googlebot", "bing"), AgentClass.CRAWLER),
        (GOOGLE, at(None, "googlebot"), AgentClass.IMPOSTOR),
        (GOOGLE, at("bing", "googlebot", "bing"), AgentClass.IMPOSTOR),
        (GOOGLE, at(None, "bing"), AgentClass.CRAWLER),  # no list to check it by
        (GOOGLE, at(None), AgentClass.CRAWLER),
        (GOOGLE, None, AgentClass.CRAWLER),
        (CRAWLER, at(None, "googlebot"), AgentClass.CRAWLER),
        (BROWSER, at("googlebot", "googlebot"), AgentClass.BROWSER),
        (LIBRARY, at(None, "googlebot"), AgentClass.LIBRARY),
        (Declared(AgentClass.NONE), at(None, "googlebot"), AgentClass.NONE),
    ],
)
def test_agent_class(declared: Declared, facts: AddressFacts | None, taken_for: AgentClass) -> None:
    """Only who declares a crawler whose networks are known, and is not in them, is an impostor."""
    assert agent_class(declared, facts) is taken_for


@pytest.mark.parametrize(
    ("meanings", "declared"),
    [
        ([], LIBRARY),
        ([BROWSER], BROWSER),
        ([BROWSER, LIBRARY], LIBRARY),
        ([LIBRARY, CRAWLER, BROWSER], CRAWLER),
        ([CRAWLER, GOOGLE, BROWSER], GOOGLE),
    ],
)
def test_together(meanings: list[Declared], declared: Declared) -> None:
    """Of what an agent declares the strongest word counts; who declares nothing known is a program."""
    assert together(meanings) == declared
