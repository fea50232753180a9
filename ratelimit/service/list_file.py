"""Reads the files that a policy's lists name, from the policy's own folder. All that is wrong with them is said at once."""

from pathlib import Path
from typing import Final

from ratelimit.core.errors import ConfigError
from ratelimit.core.list_check import file_items
from ratelimit.core.policy_file import PolicyFile
from ratelimit.service.plain_file import read_plain_file

MAX_BYTES: Final = 32 << 20


def read_listed(file: PolicyFile, source: str) -> dict[str, tuple[str, ...]]:
    """The items of each list that has a file, by the list's name; `source` is the policy's file. Raises ConfigError with every problem."""
    listed: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    for index, rule in enumerate(file.lists):
        if rule.file is None:
            continue
        path = list_path(source, rule.file)
        try:
            listed[rule.name], found = file_items(read_plain_file(path, MAX_BYTES, "a list, one item a line"), rule, str(path))
            problems += found
        except ConfigError as error:
            problems += [f"{source}: $.lists[{index}].file: {problem}" for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return listed


def list_path(source: str, name: str) -> Path:
    """Where a list's file is."""
    return Path(source).parent / name
