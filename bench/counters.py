"""What the sidecar says of itself at /metrics, before and after a load."""

import re
import urllib.request
from typing import NamedTuple, Self

from bench.server import Server


class Counters(NamedTuple):
    """Since the sidecar's start. `local` are answers of a limit by its on_store_failure, since the store was too slow for the deadline."""

    decided: float
    refused: float
    local: float

    @classmethod
    def of(cls, server: Server) -> Self:
        """As they stand now."""
        with urllib.request.urlopen(f"http://127.0.0.1:{server.operator}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        return cls(_sum(text, "decisions"), _sum(text, "decisions", 'decision="throttle"'), _sum(text, "without_store"))

    def local_note(self, before: Self) -> str:
        """How often it did not have the store's word since `before`: what is fast but local is to be seen."""
        part = (self.local - before.local) / max(1, self.decided - before.decided)
        return f"{part:.2%} of the requests found the store too slow, and a limit answered by on_store_failure"


def _sum(text: str, name: str, label: str = "") -> float:
    return sum(
        float(value) for labels, value in re.findall(rf"^ratelimit_{name}_total{{(.*)}} (\S+)", text, re.MULTILINE) if label in labels
    )
