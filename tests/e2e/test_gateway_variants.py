"""What the configurations' comments offer, each tried: sidecars that are gone, open instead of closed, a Unix socket, a token."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from tests.e2e.gateways.client import TRUSTED, ask
from tests.e2e.gateways.kind import KINDS
from tests.e2e.gateways.process import sidecar
from tests.e2e.gateways.upstream import Upstream, upstream

Require = Callable[[str], Path]
Changes = Mapping[str, str]

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-some-length"
SAID = "what RATELIMIT_GATEWAY_TOKEN says"
POLICY = f"""
version: 1
identity: {{trusted_proxies: [{TRUSTED}]}}
limits:
  - {{name: address, per: [ip], bucket: {{capacity: 1, refill: 1/h}}}}
"""

# by kind: the client's status while the sidecar is gone, and where the gateway sends no token
CLOSED = {"nginx": (500, 500), "envoy": (503, 401), "caddy": (502, 401)}


def uncommented(*lines: str) -> dict[str, str]:
    return {f"# {line}": line for line in lines}


OPEN: dict[str, Changes] = {
    "nginx": uncommented("proxy_intercept_errors on;", "error_page 500 502 503 504 = @unlimited;", "location @unlimited { return 204; }"),
    "envoy": {"failure_mode_allow: false": "failure_mode_allow: true"},
}
WITH_TOKEN: dict[str, Changes] = {
    "nginx": uncommented(f'proxy_set_header X-RateLimit-Token "{SAID}";') | {SAID: TOKEN},
    "envoy": uncommented("authorization_request:", f'  headers_to_add: [{{key: x-ratelimit-token, value: "{SAID}"}}]') | {SAID: TOKEN},
    "caddy": uncommented(f'header_up X-RateLimit-Token "{SAID}"') | {SAID: TOKEN},
}


@pytest.fixture
def behind() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.mark.parametrize("kind", KINDS)
def test_sidecar_gone_is_closed(kind: str, require: Require, tmp_path: Path, behind: Upstream) -> None:
    """While the sidecar is gone nothing passes, and the client is told that it is no fault of its own."""
    with sidecar(tmp_path / "sidecar", POLICY) as beside, KINDS[kind](require(kind), tmp_path / kind, beside, behind, {}) as gateway:
        assert ask(gateway.url, "/", "203.0.113.1").status == 200
        behind.taken()
        beside.stop()
        assert ask(gateway.url, "/", "203.0.113.2").status == CLOSED[kind][0]
        assert behind.taken() == {}


@pytest.mark.parametrize("kind", OPEN)
def test_sidecar_gone_can_be_open(kind: str, require: Require, tmp_path: Path, behind: Upstream) -> None:
    """Configured to fail open, a gateway refuses as ever, and lets all pass while the sidecar is gone."""
    with (
        sidecar(tmp_path / "sidecar", POLICY) as beside,
        KINDS[kind](require(kind), tmp_path / kind, beside, behind, OPEN[kind]) as gateway,
    ):
        assert [ask(gateway.url, "/", "203.0.113.1").status for _ in range(2)] == [200, 429]
        behind.taken()
        beside.stop()
        assert [ask(gateway.url, "/", "203.0.113.1").status for _ in range(2)] == [200, 200]
        assert len(behind.taken()["once"]) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_socket_and_token(kind: str, require: Require, tmp_path: Path, behind: Upstream) -> None:
    """A sidecar on a Unix socket that asks for a token has it from the gateway; a gateway that sends none lets nothing pass."""
    program = require(kind)
    with TemporaryDirectory(prefix="rl-") as short:  # the path of a socket has 107 bytes at most
        settings = {"GATEWAY": f"unix:{short}/gateway.sock", "GATEWAY_TOKEN": TOKEN}
        with sidecar(tmp_path / "sidecar", POLICY, **settings) as beside:
            with KINDS[kind](program, tmp_path / "with", beside, behind, WITH_TOKEN[kind]) as gateway:
                assert [ask(gateway.url, "/", "203.0.113.1").status for _ in range(2)] == [200, 429]
            behind.taken()
            with KINDS[kind](program, tmp_path / "without", beside, behind, {}) as gateway:
                assert ask(gateway.url, "/", "203.0.113.2").status == CLOSED[kind][1]
            assert behind.taken() == {}


def test_k8s_carries_the_documented_file() -> None:
    """The ConfigMap of the gateway has the very file that is documented and tested here."""
    manifest = yaml.safe_load((ROOT / "k8s" / "gateway.yaml").read_text(encoding="utf-8"))
    assert manifest["data"]["nginx.conf"] == (ROOT / "docs" / "gateways" / "nginx.conf").read_text(encoding="utf-8")
