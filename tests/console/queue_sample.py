"""A queue to look at: cases of every kind, priority and state, as the ledger would give them."""

from ratelimit.core.case import CaseReason
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import CaseRow, Money, PersonRef, QueuePage, QueueTotals, SubjectRef
from ratelimit.ledger.views import SavedView
from ratelimit.review.views import TooManyError

DAY = 86_400.0

MONTH = 30.44 * DAY
TOMAS = PersonRef(8, "tomas", "Tomas Okafor", "TO")
MIRA_REF = PersonRef(7, "mira", "Mira Keller", "MK")


def why(value: str, words: str, normal: str, signed: float | None) -> CaseReason:
    return CaseReason(kind="model", source=words, value=value, words=words, normal=normal, signed=signed)


def sample(now: float) -> QueuePage:
    """The queue at that instant."""
    rows = (
        CaseRow(
            number=2285, anchor=SubjectRef(1, "network", "203.0.113.0/24", now - 400 * DAY), state="open", opened_at=now - 11_040,
            opened_by="rule", opened_word="login-spray", priority=1, at_risk_minor=190_400, currency="EUR", blast_radius=212,
            reasons=(why("2,140", "accounts tried to log in within 1 h", "0–3", 5.0),
                     why("96 %", "of answers were 401 or 403", "0–6 %", 4.6),
                     why("38", "requests a second", "0–12", 2.6)), version=3, money="in 9 accounts", due_at=now + 26 * 60,
            locked_by=TOMAS, locked_until=now + 600, acted="throttle", acted_by="rule", acted_until=now + 3_000),
        CaseRow(
            number=2291, anchor=SubjectRef(2, "account", "acc_8WQ2RN", now - 660), state="open", opened_at=now - 4_320, opened_by="rule",
            opened_word="card-testing", priority=1, at_risk_minor=34_000, currency="EUR", blast_radius=0,
            reasons=(why("7", "different cards tried in 1 h", "0–1", 4.9), why("6", "declines in 1 h", "0–1", 4.6),
                     why("11 min", "since the account was made", "3 days – 4 years", -3.2)), version=2, plan="free",
            beside=SubjectRef(20, "email", "quentin@mailbox.test", now - 660), money="unspent tokens", due_at=now - 12 * 60,
            acted="block", acted_by="rule", acted_until=now + 2_900),
        CaseRow(
            number=2288, anchor=SubjectRef(3, "api_key", "key_5F3C91", now - 20.4 * MONTH), state="open", opened_at=now - 42 * 60,
            opened_by="model", opened_word="", risk=0.9994, priority=1, at_risk_minor=21_240, currency="EUR", blast_radius=0,
            reasons=(why("418", "addresses used this key in 24 h", "1–9", 4.6), why("31", "countries in 24 h", "1–3", 3.92),
                     why("4 %", "variation in the gaps between requests", "38–210 %", -3.41)), version=5, plan="pro",
            beside=SubjectRef(21, "account", "Halden Studio", now - 20.4 * MONTH), money="unspent tokens", due_at=now + 18 * 60,
            acted="throttle", acted_by="risk", acted_until=now + 2_880),
        CaseRow(
            number=2290, anchor=SubjectRef(4, "card", "card •4821", now - 1_560), state="open", opened_at=now - 5_400,
            opened_by="early_fraud_warning", opened_word="early fraud warning", priority=1, at_risk_minor=18_000, currency="EUR",
            blast_radius=0, reasons=(why("Reported as fraud", "by the card issuer", "never", 5.0),
                                     why("2", "declines on other cards just before", "0", 3.6),
                                     why("26 min", "since the card was first seen", "1 day – 3 years", -3.4)), version=2, plan="starter",
            beside=SubjectRef(22, "account", "acc_6TJ0VD", now - 2 * DAY), money="91 % unspent", due_at=now + 22 * 3_600,
            acted="hold", acted_by="warning"),
        CaseRow(
            number=2276, anchor=SubjectRef(5, "account", "acc_4MB9XC", now - 500 * DAY), state="open", opened_at=now - 6_000,
            opened_by="model", opened_word="", risk=0.9983, priority=2, at_risk_minor=131_000, currency="EUR", blast_radius=0,
            reasons=(why("3", "countries in one session of 25 min", "1", 3.8),
                     why("4 min", "from new device to new key", "1 day or more", -3.6),
                     why("5", "failed logins before one worked", "0–2", 2.8)), version=1, plan="pro",
            beside=SubjectRef(23, "email", "jo@lumenworks.test", now), money="unspent tokens", due_at=now + 8_400),
        CaseRow(
            number=2279, anchor=SubjectRef(6, "device", "<img src=x onerror=alert(1)>\u202e", now - 9 * DAY), state="open",
            opened_at=now - 10_260, opened_by="model", opened_word="", risk=0.9987, priority=2, at_risk_minor=8_400, currency="USD",
            blast_radius=1, reasons=(why("14", "accounts share one device", "1–2", 4.2), why("Throw-away", "email domain", "", None)),
            version=1, money="free tokens", due_at=now + 6_000, acted="throttle", acted_by="risk", acted_until=now + 1_560),
        CaseRow(
            number=2266, anchor=SubjectRef(7, "ip", "198.51.100.42", now - 3 * DAY), state="open", opened_at=now - 1_320,
            opened_by="rule", opened_word="=HYPERLINK(1)", priority=3, at_risk_minor=0, currency=None, blast_radius=11, reasons=(),
            version=1, assignee=MIRA_REF, due_at=now + 28_200, woke_at=now - 100),
        CaseRow(
            number=2250, anchor=SubjectRef(8, "account", None, 0.0), state="open", opened_at=now - 90_000, opened_by="model",
            opened_word="", priority=4, at_risk_minor=0, currency=None, blast_radius=0, reasons=(why("1", "request a day", "1–40", 0.0),),
            version=1, blind=True),
    )  # fmt: skip
    totals = QueueTotals(
        open=37, overdue=1, due_soon=4, at_risk=(Money(641_200, "EUR"),),
        tabs={"unassigned": 23, "mine": 4, "others": 2, "snoozed": 6, "escalated": 2, "appeals": 1, "quality": 1, "campaigns": 0},
    )  # fmt: skip
    return QueuePage(rows=rows, found=23, totals=totals, following="12.2250")


class Taken:
    """Who took what away, kept here."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []

    async def took_list(self, principal: Principal, what: str, rows: int) -> None:
        self.told.append((principal.login, what, rows))


class Views:
    """Saved views, kept here."""

    def __init__(self) -> None:
        self.kept: list[SavedView] = []

    async def of(self, _principal: Principal, _page: str) -> list[SavedView]:
        return self.kept

    async def save(self, _principal: Principal, _page: str, name: str, query: str) -> None:
        if len(self.kept) == 2:
            raise TooManyError("not saved: there are 2 views already; remove one first")
        self.kept.append(SavedView(len(self.kept) + 1, name, query))

    async def drop(self, _principal: Principal, id: int) -> bool:
        self.kept = [one for one in self.kept if one.id != id]
        return True
