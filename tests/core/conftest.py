"""How long properties are searched: the same examples at every run, or, with RATELIMIT_PROPERTIES=search, many new ones."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=200)
settings.register_profile("search", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("RATELIMIT_PROPERTIES", "fixed"))
