"""A policy and figures come out of a message as they went in."""

from msgspec.msgpack import decode, encode
from prometheus_client.core import GaugeMetricFamily

from ratelimit.crew.message import Family, Told
from ratelimit.service.policy_source import built_in_policy, make_policy
from ratelimit.web.metrics import process_figures

SHADOW = b"""
version: 1
mode: shadow
identity: {api_key: [{header: X-Key}], trusted_proxies: [10.0.0.0/8], ipv6_prefix: 56}
limits:
  - {name: net, per: [subnet], subnet: {v4: 16}, bucket: {capacity: 7, refill: 0.5/h}, missing: deny}
  - {name: month, per: [account], match: {path: ["/v1/*"]}, quota: {amount: 9, every: month, timezone: Europe/Berlin}}
"""


def test_policy() -> None:
    """Whatever it says, source and warnings included, the policy that arrives is the one that was sent."""
    for policy in (built_in_policy(), make_policy(SHADOW, "shadow.yaml")):
        arrived = decode(encode(Told.of(policy)), type=Told).policy()
        assert (arrived.limits, arrived.identity, arrived.digest) == (policy.limits, policy.identity, policy.digest)
        assert (arrived.mode, arrived.source, arrived.warnings) == (policy.mode, policy.source, policy.warnings)


def test_figures() -> None:
    """Names, labels and values stay, and a bool is a number."""
    away = GaugeMetricFamily("away", "meaning", labels=["node"])
    away.add_metric(["a:1"], True)
    for metric in (away, *process_figures()):
        assert decode(encode(Family.of(metric)), type=Family).metric() == metric
