"""The dispute pack of a purchase as a page to be printed, and as JSON to be sent on."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.console.render import Console
from ratelimit.console.wording import money
from ratelimit.core.case import shown
from ratelimit.review.cases import Cases
from ratelimit.review.dispute_pack import Element, Pack, Packs, Transaction
from ratelimit.web.case_problem import as_problems
from ratelimit.web.reply import Reply
from ratelimit.web.route import PRINCIPAL, Route

PACK: Final = "/cases/{case}/pack/{purchase:.+}"
_ELEMENTS: Final[dict[Element, str]] = {
    "customer_purchase_ip": "purchase address",
    "customer_device_fingerprint": "device",
    "customer_account_id": "account",
    "customer_email_address": "email",
}


class Line(Struct, frozen=True, kw_only=True):
    """One purchase, for people."""

    it: Transaction
    amount: str
    matches: str


class PackView(Struct, frozen=True, kw_only=True):
    """The page; `json` is where the same is as JSON."""

    pack: Pack
    case: str
    base: str
    json: str
    disputed: Line
    prior: tuple[Line, ...]
    earlier: tuple[Line, ...]
    spent_before: str
    used_share: float
    elements: dict[Element, str]


class PackPages:
    """Answers with the page."""

    def __init__(self, console: Console, cases: Cases, packs: Packs) -> None:
        self._console, self._cases, self._packs = console, cases, packs

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", PACK, self.page, role="analyst", page=True)]

    async def page(self, request: web.Request) -> Reply:
        """The page."""
        with as_problems():
            number = await self._cases.number(request.match_info["case"])
            pack = await self._packs.make(request[PRINCIPAL], request.match_info["purchase"], number)
        return await self._console.page(request, "pack.html", pack_view(pack, number), section="Queue", title="Dispute pack")


def pack_view(pack: Pack, number: int) -> PackView:
    """A pack for people."""
    return PackView(
        pack=pack,
        case=shown(number),
        base=f"/cases/{number}",
        json=f"/v1/cases/{number}/pack/",
        disputed=_line(pack.disputed_transaction),
        prior=tuple(_line(one) for one in pack.prior_undisputed_transactions),
        earlier=tuple(_line(one) for one in pack.earlier),
        spent_before=money(pack.spent_before_minor, pack.disputed_transaction.currency or "EUR"),
        used_share=min(1.0, pack.used.tokens / pack.tokens) if pack.tokens else 0.0,
        elements=_ELEMENTS,
    )


def _line(it: Transaction) -> Line:
    found = [_ELEMENTS[one] for one in it.matches]
    if not it.same_card:
        found.append("not the same card")
    return Line(it=it, amount=money(it.amount_minor, it.currency or "EUR"), matches=", ".join(found))
