"""A real nats-server for every test, started by the test where its start is the point."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.real_bus import RealServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealServer]:
    """A nats-server that is not started yet."""
    made = RealServer(tmp_path / "nats")
    yield made
    made.stop()
