"""What the training extra brings, asked for before a long work rather than in the middle of it."""

from importlib.util import find_spec

from ratelimit.core.errors import ConfigError


def need_training() -> None:
    """Raise ConfigError if scikit-learn or matplotlib is missing."""
    missing = [name for name, module in (("scikit-learn", "sklearn"), ("matplotlib", "matplotlib")) if find_spec(module) is None]
    if missing:
        raise ConfigError(
            [f"{' and '.join(missing)} not installed; expected the training extra: pip install 'ratelimit-sidecar[training]'"]
        )
