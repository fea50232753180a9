"""What a client says it is, and whether its address bears that out.

Anybody can write `Googlebot` into a user agent. A crawler whose owner publishes its networks is one only from there; from elsewhere it is
an impostor, which honest software has no reason to be. Of crawlers without such a list the word has to do.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from ratelimit.core.address_facts import AddressFacts

MAX_AGENT: Final = 512  # characters that are looked at; browsers send some 120, crawlers up to 300


class AgentClass(IntEnum):
    """What a client is taken for."""

    BROWSER = 0
    LIBRARY = 1  # a program that does not hide: an HTTP library, a command, an app
    CRAWLER = 2  # verified by its address, or not to be verified
    IMPOSTOR = 3  # declares a crawler whose networks are known, and is not in them
    NONE = 4  # says nothing


class Declared(NamedTuple):
    """What a user agent says, whoever sends it; `crawlers` are those of address_facts.CRAWLERS that it claims to be."""

    agent_class: AgentClass
    crawlers: frozenset[str] = frozenset()


# How RE2 reads them: the product tokens of crawlers whose owners publish networks, each with the name of that list. The token alone counts:
# `bingbot` is also in the address that Bing's other robots give, and `Mediapartners (Googlebot)` has networks of its own.
VERIFIABLE: Final = {
    r"(?i)(^|[ ;])googlebot(-image|-news|-video|-mobile)?([/ ;]|$)": "googlebot",
    r"(?i)(^|[ ;])bingbot([/ ;]|$)": "bing",
    r"(?i)(^|[ ;])(gptbot|oai-searchbot|chatgpt-user)([/ ;]|$)": "openai",
    r"(?i)(^|[ ;])duckduckbot(-https)?([/ ;]|$)": "duckduckbot",
}
# a robot by its customs, which are to give an address where its owner explains it, and to be called one
ROBOT: Final = r"(?i)^mozilla/.*(\+ ?https?://|(bot|crawler|spider)/)"
LIBRARY: Final = r"WinHttp|PowerShell/"  # of Windows, which call themselves Mozilla
BROWSER: Final = r"^(Mozilla|Opera)/"


def together(meanings: Sequence[Declared]) -> Declared:
    """What an agent declares that matches the patterns with these meanings.

    A crawler may call itself a browser or name the library that it uses, and a library of Windows calls itself Mozilla: the strongest word
    counts. Who declares none of these is a program that says its name.
    """
    classes = {meaning.agent_class for meaning in meanings}
    strongest = next((one for one in (AgentClass.CRAWLER, AgentClass.LIBRARY, AgentClass.BROWSER) if one in classes), AgentClass.LIBRARY)
    return Declared(strongest, frozenset[str]().union(*(meaning.crawlers for meaning in meanings)))


def agent_class(declared: Declared, facts: AddressFacts | None) -> AgentClass:
    """What a client is that declares this, at an address with these facts; None: its address is not known."""
    if not declared.crawlers or facts is None or facts.crawler in declared.crawlers:
        return declared.agent_class
    return AgentClass.IMPOSTOR if declared.crawlers & facts.checked else AgentClass.CRAWLER
