"""Component tests of the agent run on virtual time, with a whole agent over fakes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from tests.component.agent.node import FakeNode
from tests.fakes.clock import VirtualTimeLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualTimeLoop}


@pytest.fixture
async def node() -> AsyncIterator[FakeNode]:
    """A running agent without orders."""
    async with FakeNode() as running:
        yield running
