"""`ratelimit privacy` against the real calls on a real socket."""

import asyncio
import json
from pathlib import Path

from ratelimit.web.privacy import PrivacyCalls
from tests.cli.command import run
from tests.review.test_erasing import fill
from tests.review.test_privacy import Room, lived, own_node, room, site, store
from tests.service.test_forgetting import ACCOUNT
from tests.web.lane import Lane, serving

__all__ = ["lived", "own_node", "room", "site", "store"]  # fixtures

WHO = ("--verified-by", "by letter")


async def asked(lane: Lane, *words: object) -> tuple[int, str]:
    """The command runs in a thread, since it has a loop of its own."""
    where = lane.url("").removeprefix("http://").rstrip("/")
    result = await asyncio.to_thread(run, "privacy", *words, "--operator", where)
    return result.exit_code, result.output


async def test_every_kind(room: Room, tmp_path: Path) -> None:
    """An export is written once, restrictions are in force, a correction and an erasure wait for people."""
    await fill(room.ledger)
    async with serving(PrivacyCalls(room.privacy).routes()) as lane:
        out = tmp_path / "export.json"
        code, said = await asked(lane, "export", ACCOUNT, *WHO, "-o", out)
        assert (code, said.strip()) == (0, f"request 2 is done: {out}")
        assert json.loads(out.read_text(encoding="utf-8"))["account"] == ACCOUNT
        assert out.stat().st_mode & 0o077 == 0
        assert (await asked(lane, "export", ACCOUNT, *WHO, "-o", out))[0] == 1
        assert ACCOUNT in (await asked(lane, "export", ACCOUNT, *WHO))[1]
        assert "is in force" in (await asked(lane, "restrict", "robin", *WHO))[1]
        assert ("account", "robin") in room.here.standings.unscored
        assert "is in force" in (await asked(lane, "object", "robin", *WHO))[1]
        assert "tell the person: Since 15 January 2027 no model looks" in (await asked(lane, "restrict", "kim", *WHO))[1]
        assert "is entered; an admin other than" in (await asked(lane, "erase", ACCOUNT, *WHO))[1]
        assert "is entered" in (await asked(lane, "correct", ACCOUNT, *WHO, "--text", "the label is wrong"))[1]
        listed = (await asked(lane, "list", "--json"))[1]
        assert [one["kind"] for one in json.loads(listed)] == ["erase", "correct"]
        assert "2027-02-15" in (await asked(lane, "list"))[1]
        assert json.loads((await asked(lane, "list", "--closed", "--json"))[1])[0]["state"] == "done"
        code, said = await asked(lane, "correct", ACCOUNT, *WHO)
        assert (code, "needs --text" in said) == (2, True)


async def test_problems(room: Room) -> None:
    """What the lane says is wrong comes out; so does that nobody is there."""
    async with serving(PrivacyCalls(room.privacy).routes()) as lane:
        await asked(lane, "erase", "robin", *WHO)
        where = lane.url("").removeprefix("http://").rstrip("/")
        result = await asyncio.to_thread(run, "privacy", "erase", "robin", *WHO, "--operator", where)
        assert "is open" in str(result.exception)
    result = await asyncio.to_thread(run, "privacy", "erase", "robin", *WHO, "--operator", "127.0.0.1:1")
    assert "does not answer" in str(result.exception)
    result = await asyncio.to_thread(run, "privacy", "erase", "robin", *WHO, "--operator", "nowhere")
    assert "expected HOST:PORT" in str(result.exception)
