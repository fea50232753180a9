"""A key's file: made once, whole, for our user alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.stores.key_file import KEY_BYTES, load_or_create_key


def test_made_once(tmp_path: Path) -> None:
    """The first call makes the key, later ones read it."""
    key = load_or_create_key(tmp_path / "data", "store")
    assert len(key) == KEY_BYTES
    assert load_or_create_key(tmp_path / "data", "store") == key
    assert load_or_create_key(tmp_path / "other", "store") != key
    assert load_or_create_key(tmp_path / "data", "ledger") != key


def test_for_our_user_alone(tmp_path: Path) -> None:
    """Nobody else can read the key, and no draft of it stays behind."""
    load_or_create_key(tmp_path, "store")
    (file,) = tmp_path.iterdir()
    assert (file.name, oct(file.stat().st_mode & 0o777)) == ("store.key", "0o600")


def test_made_by_many_at_once(tmp_path: Path) -> None:
    """All who make it at the same moment get the same key."""
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: load_or_create_key(tmp_path, "store"), range(64)))
    assert len(keys) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"x" * (KEY_BYTES + 1)])
def test_wrong_size(tmp_path: Path, content: bytes) -> None:
    """A file of another size is refused and left as it is."""
    (tmp_path / "store.key").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"store.key: {len(content)} bytes are not a store key, which has 32; restore"):
        load_or_create_key(tmp_path, "store")
    assert (tmp_path / "store.key").read_bytes() == content


def test_cannot_be_read(tmp_path: Path) -> None:
    """What stands in its place is named, with what would do."""
    (tmp_path / "store.key").mkdir()
    with pytest.raises(ConfigError, match=r"store.key: .*Is a directory; set RATELIMIT_DATA"):
        load_or_create_key(tmp_path, "store")
