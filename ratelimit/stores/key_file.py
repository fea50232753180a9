"""The secrets that turn callers into the store's keys and the ledger's digests, for whoever brings none in RATELIMIT_STORE_KEY and
RATELIMIT_LEDGER_KEY.
"""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final, Literal

from ratelimit.core.errors import ConfigError
from ratelimit.stores.folder import cannot_write, make_folder

KEY_BYTES: Final = 32


def load_or_create_key(data: Path, name: Literal["store", "ledger"]) -> bytes:
    """The secret of that name, KEY_BYTES random bytes in `NAME.key`, made at the first call; raises ConfigError.

    It appears whole or not at all, and of two processes that make it at once both get the same.
    """
    path = make_folder(data) / f"{name}.key"
    try:
        if not path.exists():
            _write_once(path, secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise cannot_write(path, error) from None
    if len(key) != KEY_BYTES:
        found = f"{path}: {len(key)} bytes are not a {name} key, which has {KEY_BYTES}"
        raise ConfigError([f"{found}; restore it from a backup, or remove it together with the data to start anew"])
    return key


def _write_once(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # the other process was first: its key stands
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
