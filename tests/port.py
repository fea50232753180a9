"""Ports of loopback for servers that tests start.

Not those that the kernel gives to whoever connects, as it does for port 0: one of them may be taken between our look and the server's bind.
"""

import socket
from random import SystemRandom
from typing import Final

_LOOPBACK: Final = "127.0.0.1"
_PORTS: Final = range(15_000, 32_000)  # Linux connects from 32,768 on, others from 49,152 on

_chance: Final = SystemRandom()  # and not a seed, which several runs on one machine would share
_given: Final[set[int]] = set()


def free_port() -> int:
    """A port that nobody listens at now, and that was not given before."""
    while True:
        port = _chance.choice(_PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True
