"""What is counted in a log is what one would count by hand, as of an instant and no later."""

from math import isnan

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelimit.core.purchase_signals import SPANS_S
from ratelimit.core.velocity import (
    CVC_FAILED,
    ENTRY,
    FAILED,
    FRAUD,
    FRAUDS,
    GOOD,
    HEAD,
    LABEL,
    LABELS,
    MEASURES,
    NEITHER,
    NOTHING,
    POSTAL_FAILED,
    SUCCEEDED,
    Log,
    confirmed,
    counts,
    read,
)

NOW = 1_790_000_000.0
AGO = st.sampled_from([0.0, 1.0, 3_599.0, 3_600.0, 86_400.0, 86_401.0, 500_000.0, 2_592_000.0, 3_000_000.0])

entries_of = st.lists(
    st.tuples(
        AGO.map(lambda ago: NOW - ago),
        st.integers(0, 99_999_999).map(lambda number: f"{number:08d}".encode()),
        st.sampled_from([0.0, NOW - 10, NOW, NOW + 1]),
        st.integers(0, 10_000).map(float),
        st.integers(1, 4),
        st.integers(0, 3),
        st.sampled_from([0, SUCCEEDED, FAILED, FAILED | CVC_FAILED, FAILED | POSTAL_FAILED, SUCCEEDED | POSTAL_FAILED]),
    ),
    max_size=12,
)
labels_of = st.lists(
    st.tuples(st.just(b"12345678"), AGO.map(lambda ago: NOW + 100 - ago), st.sampled_from([FRAUD, GOOD, NEITHER])), max_size=8
)


def log_of(entries: list[tuple[object, ...]], labels: list[tuple[object, ...]], frauds: int = 0) -> Log:
    rows = sorted(entries, key=lambda entry: float(entry[0]))  # type: ignore[arg-type]
    return Log(NOW, frauds, np.array(rows, ENTRY).tobytes(), np.array(labels, LABEL).tobytes())


def by_hand(log: Log, span_s: float) -> dict[str, float]:
    within = [entry for entry in np.frombuffer(log.entries, ENTRY) if NOW - entry["at"] < span_s]
    ends = [int(entry["flags"]) if entry["known_at"] <= NOW else 0 for entry in within]
    return {
        "attempts": len(within),
        "amount": sum(float(entry["amount"]) for entry in within),
        "declines": sum(bool(end & FAILED) for end in ends),
        "checks_failed": sum(bool(end & (CVC_FAILED | POSTAL_FAILED)) for end in ends),
        "cards": len({int(entry["card"]) for entry in within} - {0}),
        "accounts": len({int(entry["account"]) for entry in within}),
    }


@settings(deadline=None)
@given(st.lists(entries_of, min_size=1, max_size=4))
def test_counts(logs: list[list[tuple[object, ...]]]) -> None:
    """Of several logs at once, in each span; an end that is not known yet is none."""
    made = [log_of(entries, []) for entries in logs]
    found = counts(made, np.full(len(made), NOW))
    for log, of_log in zip(made, found, strict=True):
        for span_s, of_span in zip(SPANS_S, of_log, strict=True):
            assert dict(zip(MEASURES, of_span, strict=True)) == by_hand(log, span_s)


@settings(deadline=None)
@given(st.lists(labels_of, min_size=1, max_size=4))
def test_labels(logs: list[list[tuple[bytes, float, int]]]) -> None:
    """What is confirmed later is neither in the spans nor in the total."""
    found = confirmed([log_of([], list(labels), frauds=20) for labels in logs], np.full(len(logs), NOW))
    for i, labels in enumerate(logs):
        known = [(known_at, verdict) for _, known_at, verdict in labels if known_at <= NOW]
        for span_s, (frauds, both) in zip(SPANS_S, found.counts[i][:, [FRAUDS, LABELS]], strict=True):
            within = [verdict for known_at, verdict in known if NOW - known_at < span_s]
            assert (frauds, both) == (within.count(FRAUD), len(within) - within.count(NEITHER))
        later = sum(verdict == FRAUD and known_at > NOW for _, known_at, verdict in labels)
        assert found.frauds[i] == 20 - later
        latest = max((known_at for known_at, verdict in known if verdict == FRAUD), default=None)
        assert found.latest[i] == latest if latest is not None else isnan(found.latest[i])


def test_a_log_ends_before_the_attempt_that_reads_it() -> None:
    """Wherever its tag stands, and only where it is a tag."""
    own = (NOW + 1, b"00000002", 0.0, 5.0, 1, 1, 0)
    entries = [(NOW, b"00000001", 0.0, 5.0, 1, 1, 0), own, (NOW + 2, b"00000003", 0.0, 5.0, 1, 1, 0)]
    state = HEAD.pack(NOW, NOW, 0, 3, 0, 0, 3, 1) + np.array(entries, ENTRY).tobytes() + np.array([(b"00000004", NOW, 1)], LABEL).tobytes()
    assert len(read(state, b"00000002").entries) == ENTRY.itemsize
    assert read(state, b"00000002").told_at == NOW + 1
    for other in (b"00000004", b"0000000", own[1][1:] + b"\0"):
        assert len(read(state, other.ljust(8, b"x")).entries) == 3 * ENTRY.itemsize
    assert read(b"", b"00000002") is NOTHING
