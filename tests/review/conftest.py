"""What tests of people's work share: a desk's part that does deeds."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest

from ratelimit.ledger.ledger import Ledger
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from tests.review.deed_site import DeedSite, deed_site
from tests.stores.asker import PATIENCE_S, clock
from tests.stores.conftest import Node


@pytest.fixture
def own_node() -> Iterator[Node]:
    """A Valkey for one test."""
    with closing(Node(find_server())) as node:
        yield node


@pytest.fixture
async def own_store(own_node: Node) -> AsyncIterator[RedisStore]:
    """An empty store of its own."""
    store = RedisStore(Options(own_node.url, clock, PATIENCE_S, "check"))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def site(ledger: Ledger, own_store: RedisStore, own_node: Node) -> AsyncIterator[DeedSite]:
    """A desk with a store of its own."""
    async with deed_site(ledger, own_store, own_node.url) as made:
        yield made
