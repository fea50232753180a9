"""What needs the training extra: asked for before a long work rather than in the middle of it, and loaded only then.

scikit-learn and matplotlib may not be there, and take a second to load that no other command should wait for.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from ratelimit.core.errors import ConfigError

_NEEDED: Final = {"scikit-learn": "sklearn", "threadpoolctl": "threadpoolctl", "matplotlib": "matplotlib"}


def workshop() -> Any:
    """The module cli/workshop. Raises ConfigError if what it stands on is not installed."""
    missing = [name for name, module in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise ConfigError([f"{', '.join(missing)} not installed; expected the training extra: pip install 'ratelimit-sidecar[training]'"])
    return import_module("ratelimit.cli.workshop")
