"""What is put under load: a `ratelimit serve` of our own with a new data folder on free ports, or one that runs already."""

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from bench.plan import CannotMeasure, Plan
from bench.process import free_port, running, wait_until

# The policy denies what the store does not answer in time, and on a shared runner a whole machine can stand still for longer than the 10 ms
# of the default. Waiting longer hides nothing: it shows in the p99.
DEADLINE_MS: Final = 250
_ASK_S: Final = 5.0


@contextmanager
def serving(plan: Plan, policy: Path) -> Iterator[str]:
    """Serve until the block ends, on the core that serves; yields the URL. Raises CannotMeasure."""
    gateway = f"127.0.0.1:{free_port()}"
    settings = {
        "RATELIMIT_GATEWAY": gateway,
        "RATELIMIT_OPERATOR": f"127.0.0.1:{free_port()}",
        "RATELIMIT_DATA": str(plan.folder / "data"),
        "RATELIMIT_POLICY": str(policy.resolve()),
        "RATELIMIT_DEADLINE_MS": str(DEADLINE_MS),
        "RATELIMIT_LOG_LEVEL": "warning",
    }
    with running(plan, "serve", [sys.executable, "-m", "ratelimit", "serve"], settings) as served:
        wait_until(served, lambda: _alive(f"http://{gateway}"))
        yield f"http://{gateway}"


@contextmanager
def elsewhere(host: str) -> Iterator[str]:
    """The sidecar at `host`, if there is one. Raises CannotMeasure."""
    if not _alive(host):
        raise CannotMeasure(
            f"nothing answers at {host}/livez; expected the gateway lane of a running sidecar, such as http://127.0.0.1:8080"
        )
    yield host


def _alive(host: str) -> bool:
    with suppress(urllib.error.URLError, OSError, ValueError), urllib.request.urlopen(f"{host}/livez", timeout=_ASK_S) as answer:  # noqa: S310
        return bool(answer.status == 200)
    return False
