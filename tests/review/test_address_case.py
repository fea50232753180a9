"""A case about an address closes with a verdict, though addresses have no labels: they change hands."""

from ratelimit.core.message import Entity
from tests.review.deed_site import DeedSite


async def test_it_closes(site: DeedSite) -> None:
    """It is closed by whoever said so, labels nobody, and is not closed a second time by the same key."""
    number = await site.case(anchor=Entity("ip", "203.0.113.9"))
    done = await site.act(site.mia, number, "label", verdict="abuse", close=True, key="close-once")
    assert (done.closed, done.state, done.label) == (True, "done", None)
    row = await site.of_case(number)
    assert (row.state, row.verdict, row.closed_by) == ("closed", "abuse", site.mia.id)
    assert await site.labels() == []
    assert (await site.act(site.mia, number, "label", verdict="abuse", close=True, key="close-once")).repeated
