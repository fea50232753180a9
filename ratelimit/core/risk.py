"""How unusual a subject is: the share of its peers' days that were less unusual than this, 0..1."""

from typing import NamedTuple

from ratelimit.core.signals import Kind


class Risk(NamedTuple):
    """What the model says of one subject."""

    kind: Kind
    subject: str | bytes
    risk: float
