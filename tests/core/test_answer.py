"""What a person is told about their request."""

from typing import Any, get_args

import pytest

from ratelimit.core.answer import Outcome, answer_of
from ratelimit.core.privacy import KINDS, RequestKind, RequestState
from ratelimit.core.retention import Retention
from ratelimit.core.units import Duration

NOW = 1_800_000_000.0  # 15 January 2027


def told(kind: RequestKind, state: RequestState, **report: Any) -> str:
    return answer_of(
        Outcome(kind=kind, state=state, due_at=NOW + 86_400, done_at=NOW, report=report), Retention(purchases=Duration.parse("200d"))
    )


@pytest.mark.parametrize("state", get_args(RequestState))
@pytest.mark.parametrize("kind", KINDS)
def test_always_something(kind: RequestKind, state: RequestState) -> None:
    """Whatever was asked and however far it has come, there is a whole sentence, without what was to be filled in."""
    said = told(kind, state, text="the country is Austria")
    assert said.endswith(".")
    assert "{" not in said


def test_what_is_said() -> None:
    """Until when, what was done, why not, and where to complain."""
    assert "by 16 January 2027 at the latest" in told("export", "asked")
    assert told("correct", "done", text="the country is Austria") == "On 15 January 2027 we corrected this: the country is Austria."
    refused = told("erase", "refused", text="we do not know that it is you")
    assert "we do not know that it is you." in refused
    assert "supervisory authority" in refused


def test_what_stays_after_an_erasure() -> None:
    """Books for their term, the journal, and of confirmed fraud that digests stay."""
    assert "for 200 days, without your name" in told("erase", "done", rows=3)
    assert "confirmed the account as fraud" not in told("erase", "done", rows=3, bans=0)
    assert "a code of each (2 in all) stays until 365 days after that" in told("erase", "done", rows=3, bans=2)
