"""The requests of real access logs, or of one that is made up where those are not at hand."""

import gzip
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from random import Random

from ratelimit.core.combined_log import CombinedLog
from tests.e2e.gateways.client import Request

DATA = Path(os.environ.get("RATELIMIT_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data") / "logs"
REAL = [DATA / "web-2021-10-22.log.gz", DATA / "web-2022-12-22.log.gz"]

_MADE_UP = 1_900
_PATHS = ["/", "/", "/robots.txt", "/css/style.css", "/img/favicon.ico", "/GitHub-Mark.png", "/data/conn.log.zip?x=1", "/a%20b/c.html"]


def are_real() -> bool:
    """Whether the real ones are here."""
    return all(path.exists() for path in REAL)


def logged_requests() -> list[Request]:
    """What is to be asked, in the order in which it was."""
    asked = chain.from_iterable(map(_read, REAL)) if are_real() else _made_up()
    return [Request(f"line-{number}", method, target, ip) for number, (method, target, ip) in enumerate(asked, 1)]


def _read(path: Path) -> Iterator[tuple[str, str, str | None]]:
    parse = CombinedLog()
    with gzip.open(path) as lines:
        for line in lines:
            entry = parse(line.rstrip(b"\n"))
            if entry.method:
                yield entry.method, entry.path, entry.ip


def _made_up() -> Iterator[tuple[str, str, str | None]]:
    """A few addresses come often and many come once, as on real sites."""
    chance = Random(20261124)
    for _ in range(_MADE_UP):
        number = int(600 * chance.random() ** 4)
        method = chance.choices(["GET", "HEAD", "POST"], [60, 38, 2])[0]
        yield method, chance.choice(_PATHS), f"{number % 10 + 20}.{number % 5}.{number % 251}.{number % 241 + 1}"
