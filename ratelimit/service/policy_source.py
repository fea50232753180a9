"""Reads policies: from a file, or the one built in. The only place where YAML is decoded.

YAML forgives what a policy must not: a key written twice silently keeps the last. And it allows what no policy needs: aliases, of which a
few lines unfold to gigabytes. Both are refused, with file, line and column.
"""

import re
import time
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from ratelimit.core.errors import ConfigError
from ratelimit.core.expectation import shown
from ratelimit.core.list_check import list_warnings
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.policy_warning import policy_warnings
from ratelimit.service.list_file import list_path, read_listed
from ratelimit.service.plain_file import read_plain_file

MAX_BYTES: Final = 1_048_576
MAX_DEPTH: Final = 32  # levels of nesting; a policy has six

BUILT_IN: Final = "default-policy.yaml"


class _Loader(yaml.CSafeLoader):
    """Plain data only, and every key once. As in YAML 1.2 `on`, `off`, `yes` and `no` are texts: a rule is `on` something."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"{shown(key.value)} is there twice; expected once", problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_BOOL: Final = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != _BOOL] for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read_policy(path: Path) -> Policy:
    """The policy in the file `path`. Raises ConfigError with every problem."""
    return make_policy(read_bytes(path), str(path))


def built_in_policy() -> Policy:
    """The policy in force when there is no file."""
    return make_policy((files("ratelimit") / BUILT_IN).read_bytes(), BUILT_IN)


def make_policy(content: bytes, source: str) -> Policy:
    """The policy in a file's `content`; `source` is the file's name in messages, and its lists' files lie beside it.

    Raises ConfigError with every problem.
    """
    file = parse_policy(decode_yaml(content, source), source)
    listed = read_listed(file, source)
    return Policy(file, source, (*policy_warnings(file), *list_warnings(file.lists, listed, time.time())), listed)


def list_paths(content: bytes, source: str) -> tuple[Path, ...]:
    """The files of the lists that a policy's `content` names; none, if it is no policy."""
    try:
        lists = parse_policy(decode_yaml(content, source), source).lists
    except ConfigError:
        return ()
    return tuple(list_path(source, rule.file) for rule in lists if rule.file is not None)


def read_bytes(path: Path) -> bytes:
    """The content of a policy file. Raises ConfigError if it cannot be read, is no plain file, or is too big to be a policy."""
    return read_plain_file(path, MAX_BYTES, "a policy in YAML", "a policy, which takes a few thousand")


def decode_yaml(content: bytes, source: str) -> object:
    """What YAML says, as plain data. Raises ConfigError with the one problem, and its line and column."""
    try:
        text = content.decode("utf-8-sig")
        _refuse_bombs(text, source)
        return yaml.load(text, _Loader)  # noqa: S506 - _Loader is a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{mark.line + 1}:{mark.column + 1}: " if mark else ""
        problem = ", ".join(part for part in (error.context, error.problem) if part)
    except UnicodeDecodeError as error:
        at, problem = "", f"byte {error.start + 1} is not UTF-8; expected a text file"
    except ConfigError:
        raise
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date or a number that is none
        at, problem = "", f"cannot be read: {' '.join(str(error).split())[:80]}"
    except Exception as error:  # PyYAML raises whatever its conversions do, such as KeyError for `!!bool foo`
        at, problem = "", f"a value is not of the type that its tag says ({type(error).__name__}); expected values without tags"
    raise ConfigError([f"{source}:{at or ' '}{problem}"])


class KeyPlace(NamedTuple):
    """Where a key stands, and its value's text begins; lines and columns from 1."""

    line: int
    value_line: int
    value_column: int


def key_places(text: str) -> dict[str, KeyPlace]:
    """Of a mapping that can be decoded: where each of its keys stands."""
    node = yaml.compose(text, _Loader)
    lines = text.splitlines()
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: _place(lines, key.start_mark, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _place(lines: list[str], key: yaml.Mark, value: yaml.Node) -> KeyPlace:
    mark = value.start_mark
    if getattr(value, "style", None) in {"|", ">"} and mark.line + 1 < len(lines):
        first = lines[mark.line + 1]
        return KeyPlace(key.line + 1, mark.line + 2, len(first) - len(first.lstrip()) + 1)
    return KeyPlace(key.line + 1, mark.line + 1, mark.column + 1)


def _refuse_bombs(text: str, source: str) -> None:
    """Looks at the events, which cost what the text is long, before anything is built of them."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError([f"{_at(source, event)} anchors and aliases are not allowed; expected every value written out"])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ConfigError([f"{_at(source, event)} nested deeper than {MAX_DEPTH} levels; expected a policy, which has six"])


def _at(source: str, event: yaml.Event) -> str:
    mark = event.start_mark
    return f"{source}:{mark.line + 1}:{mark.column + 1}:" if mark else f"{source}:"
