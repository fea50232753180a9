"""How far a change has got, from what sidecars say."""

from ratelimit.core.reach import Reach, reach_of
from ratelimit.core.standing_change import revision

MADE_MS = 1_795_959_127_000


def said(at_ms: int, heard: int) -> bytes:
    return at_ms.to_bytes(8) + revision(f"{MADE_MS}-{heard}".encode())


def test_times() -> None:
    """It took as long as the last of those took that have heard; the others are counted, and nobody took less than no time."""
    of = revision(f"{MADE_MS}-4".encode())
    reply = [b"sidecar1", said(MADE_MS + 400, 4), b"sidecar2", said(MADE_MS + 90, 9), b"sidecar3", said(MADE_MS + 900, 3)]
    assert reach_of(of, reply) == Reach(3, 2, 0.4)
    assert reach_of(of, [b"sidecar1", said(MADE_MS - 5, 4)]) == Reach(1, 1, 0.0)
    assert reach_of(of, []) == Reach(0, 0)
