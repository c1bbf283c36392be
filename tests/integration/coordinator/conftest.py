"""A real nats-server for every test, started by the test where its start is the point."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.real_bus import RealServer
from tests.integration.coordinator.process import Process


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealServer]:
    """A nats-server that is not started yet."""
    made = RealServer(tmp_path / "nats")
    yield made
    made.stop()


@pytest.fixture
def process(server: RealServer, tmp_path: Path) -> Iterator[Process]:
    """A coordinator that is not launched yet, and its broker at work."""
    server.start()
    made = Process(server.url("coordinator"), tmp_path)
    yield made
    made.child.stop()
