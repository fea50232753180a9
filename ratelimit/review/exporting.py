"""What a person gets who asks for their data: all that is kept of the account, each decision with its reason, and how decisions are made.

One document in JSON, made anew each time and kept nowhere. Of others there is nothing in it: what they share is named, not who else
uses it. Notes of people can name others all the same: whoever gives it out reads these first. Times are text of ISO 8601; money is in minor
units of its currency.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from struct import pack
from typing import Any, Final

import numpy as np
from msgspec import to_builtins

from ratelimit.core import velocity
from ratelimit.core.forgetting import held
from ratelimit.core.inventory import Kept, inventory
from ratelimit.core.privacy import LOGIC, MEANING, RECIPIENTS, RIGHTS
from ratelimit.core.profile import STATE, STATE_BYTES
from ratelimit.core.retention import Retention, cut
from ratelimit.core.signals import SIGNALS, Kind, signals_of
from ratelimit.core.standing import Standing, Target
from ratelimit.core.store_key import VELOCITY
from ratelimit.ledger import bans, erasure, personal, privacy
from ratelimit.ledger.personal import MOST
from ratelimit.ledger.weighed import weighed
from ratelimit.review.place import Place
from ratelimit.service.ask import ask

VERSION: Final = 2
_NO_MERGE: Final = pack("<d", -1.0)  # what a profile's script adds to its reply
_ASKED: Final = ("kind", "state", "asked_at", "due_at", "done_at")
_TIMES: Final = frozenset({"at", "until"})
_NO_TAG: Final = b"\xff" * velocity.TAG_BYTES  # of no attempt: the log as a whole
_ENDED: Final = {velocity.SUCCEEDED: "succeeded", velocity.FAILED: "failed"}
_PRIVATE: Final = frozenset({"author", "version"})  # of a word: who of the operator said it is theirs

Document = dict[str, Any]


class Exporting:
    """Makes the document. `retained` says what the policy in force keeps."""

    def __init__(self, place: Place, retained: Callable[[], Retention] = Retention) -> None:
        self._ledger, self._subjects, self._store, self._standings, keys = place
        self._retained = retained
        self._log = keys.namer_of(VELOCITY, "account")
        self._profiles = {kind: keys.profile_namer(kind) for kind in ("account", "api_key")}

    async def document(self, subject: int, now: float) -> Document | None:
        """All that is kept of the account with that id; None: there is none. Raises LedgerAwayError and StoreAwayError."""
        async with self._ledger.read() as connection:
            it = await erasure.owned(connection, subject)
            if it is None:
                return None
            rows = await personal.gathered(connection, it)
            used = await personal.used(connection, it.ids)
            notes, history = await personal.told(connection, it)
            judged = await weighed(connection, it)
            asked = await privacy.of_subject(connection, subject)
            banned = await bans.found(
                connection, self._subjects, await personal.things(connection, it.ids), cut(self._retained().bans, now)
            )
        targets = [Target("account", it.value), *(Target("api_key", key) for key in it.keys)]
        for row in (*rows["requests"], *rows["purchases"]):
            row["meaning"] = MEANING.get(row["reason"], row["reason"])
        found = {
            "version": VERSION,
            "account": it.value,
            "made_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
            "what_is_kept": [_kept(one) for one in inventory(self._retained()) if not one.off],
            "how_decisions_are_made": list(LOGIC),
            "who_is_told": RECIPIENTS,
            "your_rights": list(RIGHTS),
            "complete": all(len(some) < MOST for some in rows.values()),
            **rows,
            "notes": notes,
            "history": history,
            "weighed": judged,
            "used": to_builtins(used),
            "confirmed_fraud_had_used": [{"kind": kind, "confirmed_at": ban.confirmed_at} for (kind, _), ban in banned.items()],
            "in_force": self._words(set(targets)),
            "profiles": await self._signals(targets),
            "bought_of_late": await self._bought(it.value),
            "privacy_requests": [
                {"kind": one.kind, "state": one.state, "asked_at": one.asked_at, "due_at": one.due_at, "done_at": one.done_at}
                for one in asked
            ],
        }
        return await asyncio.to_thread(_dated, found)

    def _words(self, targets: set[Target]) -> list[Document]:
        return [_said(word) for word in self._standings.all() if word.target in targets]

    async def _bought(self, account: str) -> list[Document]:
        (answer,) = await ask(self._store, [velocity.reading(self._log(account))])
        entries = np.frombuffer(velocity.read(answer, _NO_TAG).entries, velocity.ENTRY)
        return [
            {"at": float(one["at"]), "amount_minor": float(one["amount"]), "ended": _ENDED.get(int(one["flags"]) & 3, "not known")}
            for one in entries
        ]

    async def _signals(self, targets: Sequence[Target]) -> list[Document]:
        states = await ask(self._store, [held(self._profiles[it.kind](it.value)) for it in targets])
        found = []
        for target, state in zip(targets, states, strict=True):
            if len(state) == STATE_BYTES:
                packed = np.frombuffer(state + _NO_MERGE, STATE)
                kind: Kind = "account" if target.kind == "account" else "api_key"
                found.append({"of": str(target), "at": float(packed["at"][0]), "signals": _named(signals_of(kind, packed)[0])})
        return found


def _kept(one: Kept) -> Document:
    where = {"here": list(one.given)} if one.given else {"not_here": one.withheld}
    return {"what": one.what, "why": one.purpose, "how_long": one.life, **where}


def _dated(value: Any, name: str = "") -> Any:
    """The same with instants as people and programs read them, ISO 8601."""
    if isinstance(value, dict):
        return {key: _dated(one, key) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_dated(one) for one in value]
    is_time = name in _TIMES or name.endswith("_at")
    return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds") if is_time and isinstance(value, float) else value


def _named(values: Sequence[float]) -> list[Mapping[str, Any]]:
    return [
        {"name": signal.name, "unit": signal.unit, "meaning": signal.meaning, "value": float(f"{value:.6g}")}
        for signal, value in zip(SIGNALS, values, strict=True)
        if not np.isnan(value)
    ]


def _said(word: Standing) -> Document:
    found: Document = to_builtins(word)
    return {name: value for name, value in found.items() if name not in _PRIVATE and value is not None}
