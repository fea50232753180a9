"""What of a case is asked for, all in the address: a tab of the evidence and its filters, hops of links, the queue it came from."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from ratelimit.console.case_evidence import Filter
from ratelimit.console.queue_query import parts
from ratelimit.ledger.cases import QueueFilter
from ratelimit.ledger.evidence import Place
from ratelimit.review.dossier import Span
from ratelimit.review.dossiers import Look
from ratelimit.web.problems import ClientError

_OWN: Final = {"show": "tab", "decision": "decision", "address": "address", "before": "before"}
_MOST_HOPS: Final = 2


class Wanted(Struct, frozen=True):
    """A filter of the evidence, hops, and the queue in which the case stands; None: whichever it is in."""

    evidence: Filter = Filter()
    hops: int = 1
    span: Span | None = None
    queue: QueueFilter | None = None

    @property
    def look(self) -> Look:
        """The same as review asks for it."""
        of = self.evidence
        return Look(
            tab=of.tab, decision=of.decision, address=of.address, before=_place(of.before), hops=self.hops, span=self.span, queue=self.queue
        )

    @property
    def back(self) -> str:
        """The query that names the queue, with its question mark; "" for none."""
        query = urlencode(parts(self.queue)) if self.queue is not None else ""
        return f"?{query}" if query else ""


def wanted_of(query: Mapping[str, str]) -> Wanted:
    """What an address names; ClientError says what of it is wrong. What belongs to no one here is left alone."""
    own = {_OWN[name]: value for name, value in query.items() if name in _OWN and value}
    queue = {name: value for name, value in query.items() if name in QueueFilter.__struct_fields__ and name != "after" and value}
    try:
        return Wanted(
            msgspec.convert(own, Filter, strict=False),
            max(1, min(_MOST_HOPS, int(query.get("hops", "1")))),
            msgspec.convert(query.get("span"), Span | None),
            msgspec.convert(queue, QueueFilter, strict=False) if queue else None,
        )
    except (msgspec.ValidationError, ValueError) as error:
        raise ClientError(422, f"the address asks for what there is not: {str(error)[:120]}") from None


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    at, comma, id = text.partition(",")
    try:
        return Place(float(at), id) if comma else None
    except ValueError:
        raise ClientError(422, "before: is no place in a list; expected what `more` said") from None
