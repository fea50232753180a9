"""What is kept of people, where, why, for how long, and by which sentence of the site's published policy. A test holds it to the tables.

`sentence` is the part of a policy that covers it, in the words that such policies use. What none covers is `off`
until the owner has amended the policy and turned it on (core/amendment).
"""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.retention import BOUNDS, Optional, Retention, days

Sentence = Literal["account", "transactions", "usage", "device and log", "support", "security", "none"]


class Kept(Struct, frozen=True):
    """One thing. `places` are tables of the ledger and prefixes of keys in the store.

    `life` is in words; what is in braces is a span of core/retention.Retention. `needs` is what has to be turned on first. `given` are the
    parts of a person's export that have it; `withheld` says why none has.
    """

    what: str
    places: tuple[str, ...]
    purpose: str
    life: str
    sentence: Sentence
    off: bool = False
    needs: tuple[Optional, ...] = ()
    given: tuple[str, ...] = ()
    withheld: str = ""


INVENTORY: Final = (
    Kept(
        "Requests: path, method, answer, user agent, referrer's host",
        ("record",),
        "abuse, appeals",
        "{records}",
        "usage",
        given=("requests",),
    ),
    Kept(
        "Signals of requests: how many of late, from how many addresses, ...",
        ("record",),
        "abuse, models",
        "{records}",
        "usage",
        given=("weighed",),
    ),
    Kept(
        "Addresses of requests",
        ("record", "subject", "subject_part"),
        "abuse, appeals",
        "{addresses}, then the prefix",
        "device and log",
        given=("requests", "life"),
    ),
    Kept(
        "Accounts and digests of their keys",
        ("subject", "subject_part"),
        "to find what belongs together",
        "as long as rows name them",
        "account",
        given=("account", "used"),
    ),
    Kept("Who used which mailbox, address or key", ("link",), "fraud", "{purchases} after the last time", "transactions", given=("used",)),
    Kept(
        "Which accounts used one card: a pseudonym of its fingerprint",
        ("purchase", "link", "subject", "subject_part"),
        "fraud",
        "{purchases} after the last time",
        "none",
        off=True,
        needs=("card",),
        given=("used", "purchases"),
    ),
    Kept(
        "Purchases: amount, tokens, balance before, time, outcome, last four, expiry",
        ("purchase", "outcome"),
        "fraud, legal claims",
        "{purchases}",
        "transactions",
        given=("purchases", "payments"),
    ),
    Kept(
        "Where a purchase came from: address and its country, user agent, billing country",
        ("purchase",),
        "fraud, legal claims",
        "{purchases}",
        "device and log",
        given=("purchases",),
    ),
    Kept(
        "Signals of purchases: how many of late, whether countries differ, whether the card is prepaid, ...",
        ("purchase",),
        "fraud, models",
        "{purchases}",
        "transactions",
        given=("weighed",),
    ),
    Kept(
        "Card's country, brand, funding",
        ("purchase",),
        "fraud",
        "{purchases}",
        "none",
        off=True,
        needs=("card_country", "brand", "funding"),
        given=("purchases",),
    ),
    Kept(
        "Which accounts used one device: a pseudonym of it",
        ("purchase", "link", "subject"),
        "fraud",
        "{purchases} after the last time",
        "none",
        off=True,
        needs=("device",),
        given=("used", "purchases"),
    ),
    Kept("Logins, keys made, sign-ups", ("life",), "account take-over", "{lives}", "account", given=("life",)),
    Kept("Counts of decisions", ("traffic", "rule_day"), "capacity", "{traffic}; of nobody", "usage", withheld="it is of nobody"),
    Kept(
        "Cases, what opened them, notes",
        ("case_", "opening", "campaign", "candidate"),
        "fraud",
        "{cases}",
        "security",
        given=("cases", "flags", "notes", "candidates"),
    ),
    Kept(
        "Who of the operator is named in a note", ("mention",), "work", "{cases}", "security", withheld="it is about people of the operator"
    ),
    Kept(
        "What was done to accounts, and why",
        ("action", "known_normal", "appeal"),
        "appeals",
        "{cases}",
        "security",
        given=("actions", "known_normal", "appeals"),
    ),
    Kept("Labels: fraud, good, ...", ("label",), "fraud", "{cases}", "security", given=("labels",)),
    Kept(
        "The audit",
        ("audit", "audit_content", "audit_head"),
        "accountability",
        "contents as long as whom they are about",
        "security",
        given=("history", "notes"),
    ),
    Kept(
        "Requests about data, restrictions",
        ("privacy_request", "restriction"),
        "the law",
        "3 years",
        "support",
        given=("privacy_requests", "in_force"),
    ),
    Kept(
        "What retention removed: numbers",
        ("retention_run", "retention_mark"),
        "the law",
        "3 years; of nobody",
        "support",
        withheld="it is of nobody",
    ),
    Kept(
        "Ids of messages that were taken in",
        ("batch",),
        "to count nothing twice",
        "14 days; of nobody",
        "usage",
        withheld="it is of nobody",
    ),
    Kept(
        "Digests of what was erased",
        ("erasure", "rl1:{forgotten}"),
        "erasing again after a restore",
        "70 days",
        "none",
        withheld="whoever it is about is not here any more",
    ),
    Kept(
        "Digests of card, device and mailbox of accounts that a person confirmed as fraud and whose data are gone",
        ("ban",),
        "to know it when the same comes again",
        "{bans} after the fraud was confirmed",
        "security",
        given=("confirmed_fraud_had_used",),
    ),
    Kept(
        "People who use the console",
        ("person", "invitation", "api_token", "view", "rl1:{sessions}", "rl1:l:"),
        "access",
        "while they may",
        "security",
        withheld="it is about people of the operator",
    ),
    Kept(
        "How keys, accounts and addresses were used of late",
        ("rl1:p:",),
        "abuse",
        "some days to 15 weeks after the last use",
        "usage",
        given=("profiles",),
    ),
    Kept(
        "How often was bought of late by an account, with a card, by a device, ...: numbers under pseudonyms",
        ("rl1:v:",),
        "to decide on purchases",
        "40 days after the last one; 400 where fraud was confirmed",
        "transactions",
        given=("bought_of_late",),
    ),
    Kept(
        "What a purchase was answered, under pseudonyms",
        ("rl1:o:",),
        "to answer the same again",
        "180 days",
        "transactions",
        given=("purchases",),
    ),
    Kept(
        "Words that stand: overrides, holds, restrictions",
        ("rl1:{standing}",),
        "abuse, fraud",
        "until they end",
        "security",
        given=("in_force",),
    ),
    Kept(
        "Buckets and quotas",
        ("rl1:b:", "rl1:q:"),
        "limits",
        "until they are full again, or the period ends",
        "usage",
        withheld="each answer to a request says what is left",
    ),
    Kept(
        "Stripe's events, messages to the site and to the ledger",
        ("rl1:{stripe}", "rl1:{webhook}", "rl1:{records}"),
        "fraud",
        "30 days; 120 for ids alone",
        "transactions",
        given=("payments",),
    ),
)


def inventory(retention: Retention) -> tuple[Kept, ...]:
    """All of it as a policy has it: spans in days, and whether what no sentence covers is off."""
    spans = {name: days(getattr(retention, name)) for name in BOUNDS}
    return tuple(
        replace(one, life=one.life.format_map(spans), off=bool(one.needs) and not set(one.needs) <= set(retention.keep))
        for one in INVENTORY
    )
