"""What conditions of rules can name: signals, and facts of the purchase or the request at hand.

A name is written `purchase.NAME`, `site.NAME` or `request.NAME`. Numbers are CEL doubles, a signal that is 0 or 1 is a bool.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from ratelimit.core.purchase_signals import COLUMN as PURCHASE_COLUMN
from ratelimit.core.purchase_signals import PURCHASE_SIGNALS, SITE_SIGNALS
from ratelimit.core.rule import RuleOn
from ratelimit.core.signals import COLUMN as REQUEST_COLUMN
from ratelimit.core.signals import SIGNALS

Type = Literal["number", "integer", "text", "bool"]
Variable = Literal["purchase", "site", "request"]

_FLAG: Final = "0 or 1"
_SITE: Final = "site_"  # what names of the site's signals begin with elsewhere


class Name(NamedTuple):
    """`unit` is empty where there is none. A signal stands in that `column` of the row of a purchase or a subject, a fact in none."""

    type: Type
    unit: str
    meaning: str
    column: int | None = None


PURCHASE_FACTS: Final[Mapping[str, Name]] = {
    "kind": Name("text", "", "purchase, setup (a card that is kept) or grant (tokens for nothing)"),
    "currency": Name("text", "", "ISO 4217, upper case"),
    "tokens": Name("number", "tokens", "that are bought"),
    "balance": Name("number", "tokens", "that the account had left before"),
    "account": Name("text", "", "the account"),
    "card_country": Name("text", "", "ISO 3166-1, upper case"),
    "card_funding": Name("text", "", "credit, debit, prepaid or unknown"),
    "card_brand": Name("text", "", "as the payment service writes it, in lower case"),
    "ip_country": Name("text", "", "ISO 3166-1, to which the address was assigned"),
    "billing_country": Name("text", "", "ISO 3166-1, upper case"),
    "email_domain": Name("text", "", "what stands after the email's @, in lower case"),
    "device": Name("text", "", "the device, as the site names it"),
    "user_agent": Name("text", "", "of the buyer's browser"),
}
REQUEST_FACTS: Final[Mapping[str, Name]] = {
    "kind": Name("text", "", "of the subject: api_key, ip or account"),
    "plan": Name("text", "", "of the subject's latest request"),
}


def _signal(unit: str, meaning: str, column: int) -> Name:
    return Name("bool", "", meaning, column) if unit == _FLAG else Name("number", unit, meaning, column)


_OF_PURCHASES: Final = {it.name: _signal(it.unit, it.meaning, PURCHASE_COLUMN[it.name]) for it in PURCHASE_SIGNALS}
_OF_SITE: Final = {it.name.removeprefix(_SITE): _signal(it.unit, it.meaning, PURCHASE_COLUMN[it.name]) for it in SITE_SIGNALS}
_OF_REQUESTS: Final = {it.name: _signal(it.unit, it.meaning, REQUEST_COLUMN[it.name]) for it in SIGNALS}
NAMES: Final[Mapping[RuleOn, Mapping[str, Mapping[str, Name]]]] = {
    "purchase": {"purchase": {**PURCHASE_FACTS, **_OF_PURCHASES}, "site": _OF_SITE},
    "request": {"request": {**REQUEST_FACTS, **_OF_REQUESTS}},
}
