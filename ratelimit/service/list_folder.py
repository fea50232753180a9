"""Reads a folder with lists of networks. What can be used is used, and the rest is said.

A file is called what it lists, then `-v4`, `-v6` or neither, then `.txt`; what it holds counts, not that ending. Where a newer content
cannot be used, the last good one of that file stays. A file that is gone takes its networks along.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from ratelimit.core.address_facts import LISTS, KnownNetworks
from ratelimit.core.errors import ConfigError
from ratelimit.core.expectation import meant, shown
from ratelimit.core.network_list import ListFile, NetworkList, parse_list
from ratelimit.service.plain_file import read_plain_file

MAX_BYTES: Final = 64 << 20  # some 3,000,000 networks
_NAME: Final = re.compile(r"(.+?)(?:-v[46])?\.txt", re.DOTALL)
_KNOWN: Final = f"the lists {', '.join(LISTS)}, each in files such as {LISTS[0]}-v4.txt"


class Lists(Struct, frozen=True):
    """What a folder's lists say. `refused` says why files cannot be used, `warnings` what is strange in the others."""

    networks: KnownNetworks
    files: Mapping[str, ListFile]  # by name
    refused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many networks the files name."""
        return sum(file.lines for file in self.files.values())


NO_LISTS: Final = Lists(KnownNetworks({}), {})


def read_lists(folder: Path, before: Lists = NO_LISTS) -> Lists:
    """The lists in `folder`; a file that cannot be used is as it was `before`.

    Raises ConfigError if the folder cannot be read or no file in it is called like a list.
    """
    paths, warnings = _list_files(folder)
    files: dict[str, ListFile] = {}
    refused: list[str] = []
    for path in paths:
        try:
            files[path.name] = parse_list(read_plain_file(path, MAX_BYTES, "networks, one a line"), str(path))
        except ConfigError as error:
            refused += error.problems
            if path.name in before.files:
                files[path.name] = before.files[path.name]
    for name, file in files.items():
        if file.broken:
            warnings.append(
                f"{folder / name}: {file.broken} of {file.broken + file.lines} lines are no network: {'; '.join(file.problems)}"
            )
    return Lists(_together(files), files, tuple(refused), tuple(warnings))


def _list_files(folder: Path) -> tuple[list[Path], list[str]]:
    """The files that are called like a list, and a warning for each of the others."""
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError([f"{folder}: cannot be read ({reason}); expected a folder with {_KNOWN}"]) from None
    found = [path for path in paths if _list_name(path.name) in LISTS]
    if not found:
        raise ConfigError([f"{folder}: none of the {len(paths)} files in it is called like a list; expected {_KNOWN}"])
    strange = [path.name for path in paths if path not in found]
    return found, [f"{folder}: {shown(name)} is not read{meant(_list_name(name), LISTS)}; known are {_KNOWN}" for name in strange]


def _list_name(name: str) -> str:
    match = _NAME.fullmatch(name)
    return match[1] if match else name


def _together(files: Mapping[str, ListFile]) -> KnownNetworks:
    parts: dict[str, list[NetworkList]] = {}
    for name, file in files.items():
        parts.setdefault(_list_name(name), []).append(file.networks)
    return KnownNetworks({name: NetworkList.union(networks) for name, networks in parts.items()})
