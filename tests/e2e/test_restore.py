"""A ledger that is restored from a backup of before an erasure: as docs/ledger.md says it is done, with whole processes."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPErrorProcessor, Request, build_opener

import pytest
from argon2 import PasswordHasher

from ratelimit.ledger import people
from ratelimit.ledger.ledger import Ledger
from tests.e2e.serving import POLICY, Serving, serving, until
from tests.ledger.database import new_database, opened, sqlite_url
from tests.ledger.postgres import binaries
from tests.review.test_erasing import everything

PASSWORD: Final = "kettle ovid gravel moth"
ACCOUNT: Final = "anna-of-the-restored-ledger"
LONG_AGO_S: Final = 30 * 86_400


class _AsIs(HTTPErrorProcessor):
    """Answers of any status come as they are, also those that lead elsewhere."""

    def http_response(self, _request: Request, response: Any) -> Any:
        return response


def ask(running: Serving, method: str, path: str, body: object = None, cookie: str = "", form: bytes | None = None) -> Any:
    """One call of the operator lane: its status, its JSON or None, and the cookie that it sets."""
    headers = {"Sec-Fetch-Site": "same-origin", "Cookie": cookie}
    data = form if form is not None else json.dumps(body).encode() if body is not None else None
    if data is not None:
        headers["Content-Type"] = "application/json" if form is None else "application/x-www-form-urlencoded"
    request = Request(f"{running.operator}{path}", data, headers, method=method)  # noqa: S310  our own server
    with build_opener(_AsIs).open(request, timeout=10) as answer:
        said = answer.read()
        found = json.loads(said) if answer.headers.get_content_type() == "application/json" else None
        return answer.status, found, answer.headers.get("Set-Cookie", "").partition(";")[0]


def logged_in(running: Serving, login: str) -> str:
    """The cookie of somebody who works here."""
    status, _, cookie = ask(running, "POST", "/login", form=urlencode({"login": login, "password": PASSWORD}).encode())
    assert status == 303
    return str(cookie)


async def hire(url: str) -> None:
    """Two admins of long ago."""
    hashed = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    async with opened(url) as ledger, ledger.write() as connection:
        for login in ("ada", "eve"):
            await people.add(connection, login, login, "admin", password=hashed, by="test", now=time.time() - LONG_AGO_S)


async def rows(url: str) -> str:
    ledger = Ledger(url)
    try:
        return await everything(ledger)
    finally:
        await ledger.close()


def known(url: str) -> bool:
    """Whether the account stands anywhere in the ledger."""
    return ACCOUNT in asyncio.run(rows(url))


def back_up(url: str, folder: Path) -> Callable[[], None]:
    """Make a backup while the service runs; what is returned restores it while it does not."""
    if url.startswith("sqlite"):
        file, backup = Path(url.removeprefix("sqlite://")), folder / "backup.db"
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(backup)) as copy:
            source.backup(copy)

        def restore() -> None:
            for name in ("ledger.db-wal", "ledger.db-shm"):
                (file.parent / name).unlink(missing_ok=True)
            shutil.copy(backup, file)

        return restore
    at = urlsplit(url)
    programs, database, dump = binaries(), at.path.removeprefix("/"), folder / "backup.dump"
    assert programs is not None
    server = ["-U", "ratelimit", "-h", at.query.removeprefix("host=")]

    def run(program: str, *options: str) -> None:
        subprocess.run([str(programs / program), *server, *options], check=True, capture_output=True, timeout=60)

    run("pg_dump", "-Fc", "-f", str(dump), database)
    return lambda: run("pg_restore", "--clean", "--if-exists", "-d", database, str(dump))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_an_erasure_is_not_undone(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Erased by two people, restored, started: it is erased again by the store's journal, and the audit's chain is whole."""
    (tmp_path / "ratelimit.yaml").write_text(POLICY)
    data = tmp_path / "ratelimit-data"
    data.mkdir(mode=0o700)
    url = sqlite_url(data) if database == "sqlite" else asyncio.run(new_database(request.getfixturevalue("postgres_socket")))
    asyncio.run(hire(url))
    settings = {"DATABASE_URL": url, "LEDGER_KEY": "5e" * 32, "ALLOW_SAMPLE": "1"}
    with serving(tmp_path, **settings) as running:
        running.check(account=ACCOUNT)
        until(lambda: known(url), seconds=90)
        restore = back_up(url, tmp_path)
        ada, eve = logged_in(running, "ada"), logged_in(running, "eve")
        asked = {"account": ACCOUNT, "kind": "erase", "verified_by": "a reply from its mailbox"}
        status, entered, _ = ask(running, "POST", "/v1/privacy/requests", asked, ada)
        assert status == 201, entered
        approve = f"/v1/privacy/requests/{entered['id']}/approve"
        assert ask(running, "POST", approve, cookie=ada)[0] == 403
        status, done, _ = ask(running, "POST", approve, cookie=eve)
        assert (status, done["state"]) == (200, "done")
    assert not known(url)
    restore()
    assert known(url)
    with serving(tmp_path, **settings) as running:
        until(lambda: not known(url), seconds=90)
        status, found, _ = ask(running, "GET", "/v1/audit/verify", cookie=logged_in(running, "ada"))
        assert (status, found["whole"]) == (200, True)
