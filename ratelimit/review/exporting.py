"""What a person gets who asks for their data: all that is kept of the account, each decision with its reason, and how decisions are made.

One document in JSON, made anew each time and kept nowhere. Of others there is nothing in it: what they share is named, not who else
uses it. Times are seconds since the epoch, and text of ISO 8601 at the head; money is in minor units of its currency.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from struct import pack
from typing import Any, Final

import numpy as np
from msgspec import to_builtins

from ratelimit.core.forgetting import held
from ratelimit.core.privacy import LOGIC, MEANING
from ratelimit.core.profile import STATE, STATE_BYTES
from ratelimit.core.retention import Retention, cut
from ratelimit.core.signals import SIGNALS, Kind, signals_of
from ratelimit.core.standing import Standing, Target
from ratelimit.ledger import bans, erasure, personal, privacy
from ratelimit.ledger.personal import MOST
from ratelimit.review.place import Place
from ratelimit.service.ask import ask

VERSION: Final = 1
_NO_MERGE: Final = pack("<d", -1.0)  # what a profile's script adds to its reply
_ASKED: Final = ("kind", "state", "asked_at", "due_at", "done_at")
_PRIVATE: Final = frozenset({"author", "version"})  # of a word: who of the operator said it is theirs

Document = dict[str, Any]


class Exporting:
    """Makes the document. `retained` says what the policy in force keeps."""

    def __init__(self, place: Place, retained: Callable[[], Retention] = Retention) -> None:
        self._ledger, self._subjects, self._store, self._standings, keys = place
        self._retained = retained
        self._profiles = {kind: keys.profile_namer(kind) for kind in ("account", "api_key")}

    async def document(self, subject: int, now: float) -> Document | None:
        """All that is kept of the account with that id; None: there is none. Raises LedgerAwayError and StoreAwayError."""
        async with self._ledger.read() as connection:
            it = await erasure.owned(connection, subject)
            if it is None:
                return None
            rows = await personal.gathered(connection, it)
            used = await personal.used(connection, it.ids)
            asked = await privacy.of_subject(connection, subject)
            banned = await bans.found(
                connection, self._subjects, await personal.things(connection, it.ids), cut(self._retained().bans, now)
            )
        targets = [Target("account", it.value), *(Target("api_key", key) for key in it.keys)]
        for row in (*rows["requests"], *rows["purchases"]):
            row["meaning"] = MEANING.get(row["reason"], row["reason"])
        return {
            "version": VERSION,
            "account": it.value,
            "made_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
            "how_decisions_are_made": list(LOGIC),
            "complete": all(len(some) < MOST for some in rows.values()),
            **rows,
            "used": to_builtins(used),
            "confirmed_fraud_had_used": [{"kind": kind, "confirmed_at": ban.confirmed_at} for (kind, _), ban in banned.items()],
            "in_force": self._words(set(targets)),
            "profiles": await self._signals(targets),
            "privacy_requests": [
                {"kind": one.kind, "state": one.state, "asked_at": one.asked_at, "due_at": one.due_at, "done_at": one.done_at}
                for one in asked
            ],
        }

    def _words(self, targets: set[Target]) -> list[Document]:
        return [_said(word) for word in self._standings.all() if word.target in targets]

    async def _signals(self, targets: Sequence[Target]) -> list[Document]:
        states = await ask(self._store, [held(self._profiles[it.kind](it.value)) for it in targets])
        found = []
        for target, state in zip(targets, states, strict=True):
            if len(state) == STATE_BYTES:
                packed = np.frombuffer(state + _NO_MERGE, STATE)
                kind: Kind = "account" if target.kind == "account" else "api_key"
                found.append({"of": str(target), "at": float(packed["at"][0]), "signals": _named(signals_of(kind, packed)[0])})
        return found


def _named(values: Sequence[float]) -> list[Mapping[str, Any]]:
    return [
        {"name": signal.name, "unit": signal.unit, "meaning": signal.meaning, "value": float(f"{value:.6g}")}
        for signal, value in zip(SIGNALS, values, strict=True)
        if not np.isnan(value)
    ]


def _said(word: Standing) -> Document:
    found: Document = to_builtins(word)
    return {name: value for name, value in found.items() if name not in _PRIVATE and value is not None}
