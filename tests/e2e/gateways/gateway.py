"""A gateway under test, and how its configuration is fitted to the place where it runs."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.e2e.gateways.process import START_S, Sidecar
from tests.e2e.gateways.upstream import Upstream


class Gateway(NamedTuple):
    """A running gateway, and who stands beside and behind it."""

    url: str
    access_log: Path
    sidecar: Sidecar
    behind: Upstream

    def log_once(self, holds: Callable[[str], bool]) -> str:
        """The access log as soon as this holds of it: a gateway writes when the client has its answer already."""
        deadline = time.monotonic() + START_S
        while not (text := self.access_log.read_text(encoding="utf-8")).endswith("\n") or not holds(text):
            assert time.monotonic() < deadline, f"{self.access_log} lacks something; its end is {text[-1000:]}"
            time.sleep(0.02)
        return text


def put_in(config: str, changes: Mapping[str, str]) -> str:
    """The configuration with each text replaced; each must be there."""
    for text, replacement in changes.items():
        assert text in config, f"the configuration says nothing of {text!r}"
        config = config.replace(text, replacement)
    return config
