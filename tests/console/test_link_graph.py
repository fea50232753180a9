"""The picture of linked entities."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from ratelimit.console.link_graph import Entity, Graph, graph


def entity(key: str, further: int = 0, *, shared: bool = False, fraud: bool = False) -> Entity:
    return Entity(key, "card", key, "words", fraud=fraud, shared=shared, further=tuple(entity(f"{key}.{n}") for n in range(further)))


def apart(found: Graph) -> bool:
    """Whether no two circles or names touch."""
    return all(abs(a.y - b.y) >= 30 or abs(a.x - b.x) >= 40 for a, b in combinations(found.nodes, 2) if a.side == b.side)


@given(st.lists(st.integers(0, 4), max_size=14))
def test_no_overlaps(leaves: list[int]) -> None:
    """Whatever there is, circles and their names have room, and all of it is inside the picture."""
    found = graph([entity(str(number), further) for number, further in enumerate(leaves)])
    assert len(found.nodes) == sum(1 + further for further in leaves)
    assert apart(found)
    assert all(0 <= node.y <= found.height and 0 <= node.x <= found.width for node in found.nodes)


def test_the_same_picture() -> None:
    """The same links are the same picture."""
    links = [entity("a", 2), entity("b"), entity("c", fraud=True)]
    assert graph(links) == graph(links)


def test_lines() -> None:
    """A line is dashed where a flag stops, and strong where fraud was confirmed."""
    found = graph([entity("a", shared=True, fraud=True), entity("b", fraud=True), entity("c")])
    assert [edge.style for edge in found.edges] == ["shared", "", "fraud"]


def test_nobody() -> None:
    """A subject alone stands in the middle."""
    found = graph([])
    assert found.nodes == ()
    assert (found.x, found.y) == (found.width / 2, found.height / 2)
