"""The parts of a guard's condition: what it says of the site alone, and the rest, joined by && at the top."""

from collections.abc import Iterator

from ratelimit.core.rule_syntax import Node, parse


def split(source: str, variable: str) -> tuple[str, str]:
    """What a sound condition says of one variable alone, and the rest of it, each a condition; empty where it says nothing."""
    alone: list[str] = []
    rest: list[str] = []
    for part in _parts(parse(source)):
        (alone if _variables(part) == {variable} else rest).append(f"({part.text})")
    return " && ".join(alone), " && ".join(rest)


def _parts(tree: Node) -> Iterator[Node]:
    if tree.kind == "group":
        yield from _parts(tree.branches[0])
    elif tree.kind == "all":
        for part in tree.branches:
            yield from _parts(part)
    else:
        yield tree


def _variables(node: Node) -> set[str]:
    if node.kind == "name":
        return {node.text}
    return {variable for part in node.branches for variable in _variables(part)}
