"""Fixtures that every test may use. Those of one folder stand in that folder's own conftest.py."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
