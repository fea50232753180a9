"""The gateways that are tested, by the name of their program."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from tests.e2e.gateways.caddy import caddy
from tests.e2e.gateways.envoy import envoy
from tests.e2e.gateways.gateway import Gateway
from tests.e2e.gateways.nginx import nginx
from tests.e2e.gateways.process import Sidecar
from tests.e2e.gateways.upstream import Upstream


class Kind(Protocol):
    """Starts a gateway of one kind."""

    def __call__(
        self, program: Path, folder: Path, sidecar: Sidecar, behind: Upstream, changes: Mapping[str, str], /
    ) -> AbstractContextManager[Gateway]:
        """`changes` to its configuration are those that the comments in it speak of."""


KINDS: Mapping[str, Kind] = {"nginx": nginx, "envoy": envoy, "caddy": caddy}
