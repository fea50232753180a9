"""An abuse and fraud rate limiter that stands beside an API gateway."""

__version__ = "0.1.0"
