"""Models as people see and change them: which gives risks, which is only watched, and whether days are still as they were.

To promote is to put the challenger's folder in the place of the champion's, in what lies on the policy: the file is people's own and is not
touched. It holds in every sidecar within two seconds, and is taken back in the same way, with the former champion watched meanwhile. Once
the file names another model it has lapsed: what people write there is the last word.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import select

from ratelimit.core.policy import Policy
from ratelimit.core.principal import Principal
from ratelimit.core.purchase_signals import VERSION
from ratelimit.core.risk_rule import PurchaseRisk, RequestRisk
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rules import WHAT_POLICY, InForce, PinRow, in_force, pins, put_pin
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.review import audit
from ratelimit.review.model_card import SECTIONS, ModelCard, ModelCards, Section
from ratelimit.review.model_drift import Drifted, Sample, UsualSpreads, purchase_drift, request_drift
from ratelimit.review.rule_error import NotAllowedError, NotNowError, RuleError
from ratelimit.review.rule_overlay import RuleOverlay

MOST_ROWS: Final = 2_000
LEAST_WHY: Final = 10
_MOST_WHY: Final = 500
_MOST_POLICIES: Final = 50
_DRIFT_KEPT_S: Final = 60.0  # a model is read, and some thousand purchases

Figures = Callable[[], Awaitable[Iterable[Sample]]]


class Agreement(Struct, frozen=True):
    """Of what both models have scored, how many had a risk above the policy's bound by each."""

    neither: float = 0
    champion: float = 0
    challenger: float = 0
    both: float = 0

    @property
    def all(self) -> float:
        """Together."""
        return self.neither + self.champion + self.challenger + self.both


class SectionFound(Struct, frozen=True, kw_only=True):
    """A section of `risk`; without `champion` the policy has none. `pin` is what people have put, `lapsed` if it does not hold any more.

    `above` are the bounds of the policy. `named` is the model that the file names.
    """

    section: Section
    named: str | None = None
    mode: str = "shadow"
    above: tuple[float, ...] = ()
    champion: ModelCard | None = None
    challenger: ModelCard | None = None
    pin: PinRow | None = None
    lapsed: bool = False
    agreement: Agreement | None = None
    drift: tuple[Drifted, ...] = ()
    source: str = ""


class ModelsFound(Struct, frozen=True):
    """All of it, and the policies that were in force, latest first."""

    sections: tuple[SectionFound, ...]
    policies: list[InForce]


class Models:
    """`policy` is the file's; `figures` are what sidecars have counted; `wall` is seconds since the epoch."""

    def __init__(
        self, ledger: Ledger, overlay: RuleOverlay, policy: Callable[[], Policy], figures: Figures, wall: Callable[[], float]
    ) -> None:
        self._ledger, self._overlay, self._policy, self._figures, self._wall = ledger, overlay, policy, figures, wall
        self._cards, self._usual = ModelCards(), UsualSpreads()
        self._drift: tuple[float, str, tuple[Drifted, ...]] = 0.0, "", ()  # of purchases: when it was told, of which model

    async def look(self) -> ModelsFound:
        """How everything stands."""
        policy, samples = self._policy(), list(await self._figures())
        async with self._ledger.read() as connection:
            put = {pin.section: pin for pin in await pins(connection)}
            policies = await in_force(connection, WHAT_POLICY, _MOST_POLICIES)
        found = [await asyncio.to_thread(self._section, policy, section, put.get(section), samples) for section in SECTIONS]
        return ModelsFound(tuple([await self._with_purchases(policy, it) for it in found]), policies)

    async def promote(self, who: Principal, section: Section, model: str, why: str) -> bool:
        """Have the challenger, which is the folder `model`, give the risks; whether the sidecars are told already."""
        _need(who, why)
        policy, now = self._policy(), self._wall()
        rules = _rules(policy, section)
        named = {rules.model, rules.challenger} if rules is not None else set()
        card = await asyncio.to_thread(self._cards.read, Path(policy.source).parent, model, section) if model in named else None
        async with self._ledger.write() as connection:
            before = {pin.section: pin for pin in await pins(connection)}.get(section)
            champion, challenger = _pair(rules, before)
            if rules is None or challenger is None:
                raise NotNowError("Not promoted: the policy names no challenger; put one in its `challenger` and let it be watched first.")
            if challenger != model or card is None:
                raise NotNowError(f"Not promoted: the challenger is {challenger} by now. Look again.")
            _check(card, rules, policy)
            pin = PinRow(section=section, model=challenger, challenger=champion, over=rules.model, by_login=who.login, at=now, why=why)
            await put_pin(connection, section, None if challenger == rules.model else pin)
            content = {"section": section, "model": challenger, "version": card.version, "was": champion, "why": why}
            await audit.append(connection, who.login, "model.promoted", content, at=now)
        return await self._overlay.publish()

    async def unpin(self, who: Principal, section: Section, why: str) -> bool:
        """Have the models of the policy's file in force again."""
        _need(who, why)
        now = self._wall()
        async with self._ledger.write() as connection:
            before = {pin.section: pin for pin in await pins(connection)}.get(section)
            if before is None:
                raise NotNowError("Not taken back: the models are those of the policy's file already.")
            await put_pin(connection, section, None)
            await audit.append(connection, who.login, "model.unpinned", {"section": section, "model": before.model, "why": why}, at=now)
        return await self._overlay.publish()

    def _section(self, policy: Policy, section: Section, pin: PinRow | None, samples: list[Sample]) -> SectionFound:
        rules = _rules(policy, section)
        if rules is None:
            return SectionFound(section=section, source=policy.source, pin=pin, lapsed=pin is not None)
        base = Path(policy.source).parent
        champion, challenger = _pair(rules, pin)
        throttles = rules.throttle if isinstance(rules.throttle, tuple) else (rules.throttle,)
        card = self._cards.read(base, champion, section)
        return SectionFound(
            section=section,
            named=rules.model,
            mode="shadow" if "shadow" in (policy.mode, rules.mode) else "enforce",
            above=tuple(sorted(throttle.above for throttle in throttles)),
            champion=card,
            challenger=self._cards.read(base, challenger, section) if challenger is not None else None,
            pin=pin,
            lapsed=pin is not None and pin.over != rules.model,
            agreement=_agreement(section, samples) if challenger is not None else None,
            drift=self._request_drift(base / champion, card, samples) if section == "requests" else (),
            source=policy.source,
        )

    def _request_drift(self, folder: Path, card: ModelCard, samples: list[Sample]) -> tuple[Drifted, ...]:
        return request_drift(samples, self._usual.of(folder, card.version) if card.calibrated else {})

    async def _with_purchases(self, policy: Policy, found: SectionFound) -> SectionFound:
        """Of purchases the ledger has the signals, so drift is told from there, of those of the last weeks."""
        if found.section != "purchases" or found.champion is None or found.champion.ranked is None:
            return found
        at, version, drift = self._drift
        if version == found.champion.version and self._wall() - at < _DRIFT_KEPT_S:
            return replace(found, drift=drift)
        readable = (PURCHASE.c.signals.is_not(None)) & (PURCHASE.c.signal_version == VERSION)
        rows = select(PURCHASE.c.signals).where(readable).order_by(PURCHASE.c.at.desc()).limit(MOST_ROWS)
        async with self._ledger.read() as connection:
            blobs = list((await connection.execute(rows)).scalars())
        drift = await asyncio.to_thread(purchase_drift, Path(policy.source).parent / found.champion.folder, blobs)
        self._drift = self._wall(), found.champion.version, drift
        return replace(found, drift=drift)


def _rules(policy: Policy, section: Section) -> RequestRisk | PurchaseRisk | None:
    risk = policy.file.risk
    if risk is None:
        return None
    return risk.requests if section == "requests" else risk.purchases


def _pair(rules: RequestRisk | PurchaseRisk | None, pin: PinRow | None) -> tuple[str, str | None]:
    """Champion and challenger as they are in force."""
    if rules is None:
        return "", None
    return (pin.model, pin.challenger) if pin is not None and pin.over == rules.model else (rules.model, rules.challenger)


def _check(card: ModelCard, rules: RequestRisk | PurchaseRisk, policy: Policy) -> None:
    if card.problem:
        raise RuleError(f"Not promoted: {card.problem}")
    if not card.calibrated and "shadow" not in (policy.mode, rules.mode):
        raise RuleError(f"Not promoted: {card.folder} is not calibrated on the site's own days, so it would give no risk to enforce.")


def _need(who: Principal, why: str) -> None:
    if not who.may("admin"):
        raise NotAllowedError("Not done: only an admin decides which model gives risks.")
    if not LEAST_WHY <= len(why.strip()) <= _MOST_WHY:
        raise RuleError(f"Not done: say why, in {LEAST_WHY} to {_MOST_WHY} characters.")


def _agreement(section: Section, samples: Iterable[Sample]) -> Agreement:
    name = "ratelimit_challenger_agreement_total" if section == "requests" else "ratelimit_purchase_challenger_agreement_total"
    counted = dict.fromkeys(("neither", "champion", "challenger", "both"), 0.0)
    for sample, labels, value in samples:
        if sample == name and labels.get("above") in counted:
            counted[labels["above"]] += value
    return Agreement(**counted)
