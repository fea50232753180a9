"""What tests of models share."""

import pytest

from ratelimit.anomaly.manifest import Manifest, Trained
from ratelimit.core.signals import NAMES, VERSION


@pytest.fixture
def manifest() -> Manifest:
    """Of a model that is not calibrated."""
    trained = Trained("2026-03-01", "2026-03-14", {"api_key": 2_000}, {"api_key": 400})
    return Manifest(signal_version=VERSION, signals=NAMES, trained=trained, libraries={"numpy": "2.4.6"})
