"""Signals of purchases in plain words, see core/signal_words."""

from collections.abc import Mapping
from typing import Final

from ratelimit.core.purchase_signals import AGED, COUNTED, LABEL_SPANS, LABELLED, SINCE_FRAUD, SPANS, counted
from ratelimit.core.quantity import Unit
from ratelimit.core.signal_words import Words, fact, this

_LASTING: Final = {"1h": "1 h", "1d": "24 h", "7d": "7 days", "30d": "30 days"}
_WITH: Final = {
    "account": "",
    "ip": " from",
    "network": " from",
    "device": " by",
    "card": " with",
    "email": " with",
    "email_domain": " with",
}
_MEASURES: Final[Mapping[str, tuple[str, Unit]]] = {
    "attempts": ("attempts", "count"),
    "amount": ("asked for", "money"),
    "declines": ("declines", "count"),
    "checks_failed": ("wrong CVC or postal codes", "count"),
    "cards": ("different cards", "count"),
    "accounts": ("accounts paid", "count"),
}


def _whose(kind: str) -> str:
    return f"{_WITH[kind]} {this(kind)}" if _WITH[kind] else ""


def _head(text: str) -> str:
    return text[0].upper() + text[1:]


def _count(kind: str, measure: str, key: str) -> Words:
    what, unit = _MEASURES[measure]
    text = f"{what}{_whose(kind)} in {_LASTING[key]}"
    return Words(text, _head(text), unit, _LASTING[key])


def _label(kind: str, key: str) -> dict[str, Words]:
    window = _LASTING[key]
    share, labels = f"was fraud{_whose(kind)} in {window}", f"outcomes{_whose(kind)} in {window}"
    return {
        f"{kind}_fraud_share_{key}": Words(share, _head(share), "share", window),
        f"{kind}_labels_{key}": Words(labels, _head(labels), window=window),
    }


_SITE: Final[Mapping[str, Words]] = {
    "site_attempts_10m": Words("attempts on the whole site in 10 min", "Attempts on the whole site in 10 min", window="10 min"),
    "site_attempts_ratio": Words("as many attempts on the site as usual", "The site's attempts over the usual", "times", "10 min"),
    "site_decline_share_10m": Words("of the site's purchases declined in 10 min", "The site's declines in 10 min", "share", "10 min"),
    "site_decline_ratio": Words("the site's usual share of declines", "The site's declines over the usual", "times", "10 min"),
    "site_setup_failure_share_10m": Words("of the site's setups failed in 10 min", "The site's failed setups", "share", "10 min"),
    "site_setup_failure_ratio": Words(
        "the site's usual share of failed setups", "The site's failed setups over the usual", "times", "10 min"
    ),
    "site_slice_decline_share_10m": Words("of purchases with such cards declined", "Declines of such cards in 10 min", "share", "10 min"),
    "site_slice_decline_ratio": Words("the usual declines of such cards", "Declines of such cards over the usual", "times", "10 min"),
}

_FACTS: Final[Mapping[str, Words]] = {
    "amount": Words("asked for now", "Amount", "money"),
    "amount_ratio": Words("its usual amount", "Amount over its usual one", "times"),
    "amount_over_max": Words("its largest amount so far", "Amount over its largest so far", "times"),
    "amount_deviation": Words("deviations from its usual amount", "Deviations from its usual amount", "number"),
    "tokens_per_amount": Words("tokens for one unit of money", "Tokens for one unit of money"),
    "attempt": Words("attempts at this purchase", "Attempts at this purchase"),
    "new_card": fact(("New", "card on this account"), ("Known", "card on this account"), "Card new on the account", "purchases"),
    "account_created_age_s": Words("since the account was made", "Since the account was made", "seconds"),
    "since_account_s": Words("since the account's attempt before", "Since the account's attempt before", "seconds"),
    "since_card_s": Words("since the card's attempt before", "Since the card's attempt before", "seconds"),
    "failures_in_row": Words("declines in a row", "Declines in a row"),
    "failures_then_success": Words("declines just before one went through", "Declines just before one went through"),
    "card_ip_mismatch": fact(
        ("Another country", "of card than of address"),
        ("One country", "of card and address"),
        "Card and address in two countries",
        "purchases",
    ),
    "card_billing_mismatch": fact(
        ("Another country", "of card than of billing"),
        ("One country", "of card and billing"),
        "Card and billing in two countries",
        "purchases",
    ),
    "ip_billing_mismatch": fact(
        ("Another country", "of address than of billing"),
        ("One country", "of address and billing"),
        "Address and billing in two countries",
        "purchases",
    ),
    "prepaid": fact(("Prepaid", "card"), ("Not prepaid", "card"), "Prepaid card", "purchases"),
    "disposable_email": fact(("Throw-away", "email domain"), ("Lasting", "email domain"), "Throw-away email domain", "purchases"),
    "hosting": fact(
        ("Hosting network", "of the address"), ("No hosting network", "of the address"), "Address in a hosting network", "purchases"
    ),
    "vpn": fact(("VPN network", "of the address"), ("No VPN network", "of the address"), "Address in a VPN network", "purchases"),
    "is_setup": fact(("Card kept", "for later"), ("Bought", "and no card kept for later"), "Card kept for later", "purchases"),
    "is_grant": fact(("Given", "tokens, nothing paid"), ("Paid", "tokens"), "Tokens given for nothing", "purchases"),
    "is_weekend": fact(("Saturday or Sunday", "in UTC"), ("Working day", "in UTC"), "Saturday or Sunday", "purchases"),
    "is_night": fact(("Before seven", "in the morning, UTC"), ("Daytime", "in UTC"), "Before seven in the morning", "purchases"),
}

PURCHASE_WORDS: Final[Mapping[str, Words]] = {
    **{
        counted(kind, measure, key): _count(kind, measure, key)
        for kind, measures, spans in COUNTED
        for measure in measures
        for key in spans
    },
    **{
        f"amount_mean_{key}": Words(f"on average in {_LASTING[key]}", f"Average amount in {_LASTING[key]}", "money", _LASTING[key])
        for key in SPANS[1:]
    },
    **{f"{kind}_age_s": Words(f"since {this(kind)} was first seen", f"Since {this(kind)} was first seen", "seconds") for kind in AGED},
    **{f"{kind}_frauds": Words(f"confirmed frauds{_whose(kind)}", f"Confirmed frauds{_whose(kind)}") for kind in _WITH},
    **{
        f"{kind}_since_fraud_s": Words(f"since a confirmed fraud{_whose(kind)}", f"Since a confirmed fraud{_whose(kind)}", "seconds")
        for kind in SINCE_FRAUD
    },
    **{name: words for kind in LABELLED for key in LABEL_SPANS for name, words in _label(kind, key).items()},
    **_FACTS,
    **_SITE,
}  # fmt: skip
