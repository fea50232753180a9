"""What a decision adds to a round trip: one connection, one request at a time, ours against the constant handler, in nanoseconds.

The client is a blocking socket in this process, on the core that asks; what it costs itself is in both and cancels out. Percentiles are
taken within a round, and the difference between the two servers of that round is one value.
"""

import socket
import time
from collections.abc import Iterator
from typing import Final

from bench.peer import constant
from bench.plan import CannotMeasure, Plan
from bench.row import Row, at_most
from bench.server import BODY, NEVER_REFUSES, Server, product

GROUP: Final = "latency"
_REQUEST: Final = (
    b"POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
)
_LENGTH: Final = b"content-length: "


def latency(plan: Plan) -> Iterator[Row]:
    """The difference at the median and at the 99th percentile."""
    rounds = plan.pick(7, 3)
    ours_us, constant_us = [], []
    with product(plan, "latency", NEVER_REFUSES) as ours, constant(plan, len(ours.answer())) as yardstick:
        for number in range(rounds):
            plan.say(f"latency, round {number + 1} of {rounds}")
            constant_us.append(_round(plan, yardstick))
            ours_us.append(_round(plan, ours))
    for index, name, budget in ((0, "p50", 60), (1, "p99", 250)):
        values = tuple(one[index] - other[index] for one, other in zip(ours_us, constant_us, strict=True))
        yield Row(group=GROUP, name=f"{name} added by the decision", unit="µs", values=values, budget=at_most(budget))
        yield Row(group=GROUP, name=f"{name} of the constant handler", unit="µs", values=tuple(one[index] for one in constant_us))


def _round(plan: Plan, server: Server) -> tuple[float, float]:
    """Median and 99th percentile of many round trips, in us."""
    trips = plan.pick(5_000, 2_000)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(trips // 5):
            _trip(connection)
        times = sorted(_trip(connection) for _ in range(trips))
    return times[trips // 2] / 1e3, times[trips * 99 // 100] / 1e3


def _trip(connection: socket.socket) -> int:
    sent = time.perf_counter_ns()
    connection.sendall(_REQUEST)
    answer = connection.recv(65_536)
    while not is_whole(answer):
        more = connection.recv(65_536)
        if not more:
            raise CannotMeasure(f"the connection was closed after {answer[:200]!r}")
        answer += more
    return time.perf_counter_ns() - sent


def is_whole(answer: bytes) -> bool:
    """Whether an HTTP answer has its head and all of its body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    at = head.lower().find(_LENGTH)
    return at >= 0 and len(body) >= int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
