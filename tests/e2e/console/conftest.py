"""A console for all tests of this folder, and Chromium for those of a file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser

from tests.e2e.console.chromium import chromium
from tests.e2e.console.office import Office, staffed
from tests.e2e.serving import Serving


class Building(NamedTuple):
    """A running console, and its folder."""

    running: Serving
    folder: Path


@pytest.fixture(scope="session")
def building(tmp_path_factory: pytest.TempPathFactory, require: Callable[[str], Path]) -> Iterator[Building]:
    """One with its people, whom a test leaves as they were; its accounts, cases and rules have names that no other test has."""
    folder = tmp_path_factory.mktemp("office")
    with ExitStack() as stack:
        with chromium(require("chromium")) as browser:  # closed before tests, since it brings a loop that no other test could run in
            running = stack.enter_context(staffed(folder, browser))
        yield Building(running, folder)


@pytest.fixture(scope="module")
def browser(building: Building, require: Callable[[str], Path]) -> Iterator[Browser]:  # noqa: ARG001  two loops at once cannot be
    """The system's Chromium, without a window."""
    with chromium(require("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def place(building: Building, browser: Browser) -> Office:
    """The console, as a file's browser sees it."""
    return Office(building.running, browser, building.folder)
