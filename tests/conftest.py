"""Fixtures that every test may use. Those of one folder stand in that folder's own conftest.py."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ratelimit.ledger.ledger import Ledger
from tests import chromium
from tests.ledger.database import lent_database, opened, sqlite_url
from tests.ledger.postgres import postgres

# wheels put their servers beside the interpreter; Debian keeps daemons in sbin, which a user's PATH leaves out
PLACES = [str(Path(sys.executable).parent), *os.get_exec_path(), "/usr/sbin", "/usr/local/sbin"]


@pytest.fixture(scope="session")
def require() -> Callable[[str], Path]:
    """`require("nginx")` is the path of that program; without it the test is skipped, or fails where RATELIMIT_REQUIRE_ALL=1."""

    def find(program: str) -> Path:
        found = shutil.which(program, path=os.pathsep.join(PLACES))
        if found:
            return Path(found)
        missing = f"{program} is not installed; `make deps` installs it"
        if os.environ.get("RATELIMIT_REQUIRE_ALL") == "1":
            pytest.fail(f"{missing}, and RATELIMIT_REQUIRE_ALL=1 says that it must be there")
        pytest.skip(missing)

    return find


@pytest.fixture(scope="session", autouse=True)
def _chromium() -> Iterator[None]:
    """Ends the browser that the first test started which looked at a page."""
    with chromium.RUNNING:
        yield


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    """The folder of the socket of a PostgreSQL server that this run alone uses."""
    with postgres() as socket:
        if socket is None:
            missing = "PostgreSQL is not installed; `make deps` installs it"
            if os.environ.get("RATELIMIT_REQUIRE_ALL") == "1":
                pytest.fail(f"{missing}, and RATELIMIT_REQUIRE_ALL=1 says that it must be there")
            pytest.skip(missing)
        yield socket


@pytest.fixture(params=["sqlite", "postgresql"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger, of each kind of database."""
    async with AsyncExitStack() as stack:
        url = sqlite_url(tmp_path)
        if request.param == "postgresql":
            url = await stack.enter_async_context(lent_database(request.getfixturevalue("postgres_socket")))
        yield await stack.enter_async_context(opened(url))
