"""Geometry of linked entities: the subject in the middle, what it is linked with to its left and right, a hop further out what these share.

A tree in two halves: each leaf has a row of its own, so nothing overlaps, and the same links are the same picture. Lengths are CSS pixels.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

_ROWS: Final = (40.0, 58.0)  # the least and the most that a leaf has: two lines of words, and air
_HEIGHT: Final = (128.0, 232.0)  # at least, and as much as is used where it is enough
_REACH: Final = 108.0  # from the middle to the first hop, at the height of the middle
_BOW: Final = 22.0  # by which the first hop comes nearer at the top and at the bottom
_HOP: Final = 190.0  # from there to the second
_WORDS: Final = 160.0  # that a name takes
_EDGE: Final = 12.0


class Entity(Struct, frozen=True):
    """What is linked. `fraud`: some was confirmed there; `shared`: by more good accounts than a flag may cross; `further`: a hop on."""

    key: str
    kind: str
    name: str
    words: str
    href: str = ""
    fraud: bool = False
    shared: bool = False
    further: tuple["Entity", ...] = ()


class Node(Struct, frozen=True):
    """One of them on the picture; its words stand on its outer side."""

    entity: Entity
    x: float
    y: float
    radius: float
    side: Literal["left", "right"]
    words_x: float


class Edge(Struct, frozen=True):
    """A line between two; `style` "" , "fraud" or "shared"."""

    path: str
    style: str


class Graph(Struct, frozen=True):
    """All that is drawn; the subject stands at `x`, `y`."""

    width: float
    height: float
    x: float
    y: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph(entities: Sequence[Entity]) -> Graph:
    """The picture of what a subject is linked with."""
    right, left = list(entities[0::2]), list(entities[1::2])
    deep = any(entity.further for entity in entities)
    x = _EDGE + _WORDS + _REACH + (_HOP if deep else 0.0)
    rows = max(sum(map(_leaves, side)) for side in (left, right))
    height = max(_HEIGHT[0], min(_HEIGHT[1], rows * _ROWS[1]), rows * _ROWS[0])
    half = Graph(2 * x, height, x, round(height / 2, 1), (), ())
    for sign, members in ((1, right), (-1, left)):
        half = _with_side(half, members, sign)
    return half


def _leaves(entity: Entity) -> int:
    return max(1, len(entity.further))


def _with_side(it: Graph, members: list[Entity], sign: int) -> Graph:
    rows = sum(map(_leaves, members))
    row_height = min(_ROWS[1], it.height / max(1, rows))
    top = it.height / 2 - rows * row_height / 2
    nodes, edges = list(it.nodes), list(it.edges)
    for entity in members:
        leaves = _leaves(entity)
        y = top + leaves * row_height / 2
        away = _REACH - _BOW * abs(y - it.y) / (it.height / 2)
        node = _node(entity, it.x + sign * away, y, sign)
        nodes.append(node)
        edges.append(_edge(it.x, it.y, node))
        for row, further in enumerate(entity.further):
            beyond = _node(further, it.x + sign * (_REACH + _HOP), top + (row + 0.5) * row_height, sign)
            nodes.append(beyond)
            edges.append(_edge(node.x, node.y, beyond))
        top += leaves * row_height
    return replace(it, nodes=tuple(nodes), edges=tuple(edges))


def _node(entity: Entity, x: float, y: float, sign: int) -> Node:
    radius = 16.0 if entity.shared or entity.fraud else 12.0
    return Node(entity, round(x, 1), round(y, 1), radius, "right" if sign > 0 else "left", round(x + sign * (radius + 8), 1))


def _edge(x: float, y: float, to: Node) -> Edge:
    style = "shared" if to.entity.shared else "fraud" if to.entity.fraud else ""
    return Edge(f"M{x} {y}L{to.x} {to.y}", style)
