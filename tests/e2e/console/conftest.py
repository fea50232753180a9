"""Chromium and a console for the tests of a file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.console.chromium import chromium
from tests.e2e.console.office import Office, office


@pytest.fixture(scope="module")
def browser(require: Callable[[str], Path]) -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    with chromium(require("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Office]:
    """A console with its people."""
    with office(tmp_path_factory.mktemp("office"), browser) as opened:
        yield opened
