"""A coordinator process, from systemd's point of view."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.real_bus import PASSWORD, RealServer
from tests.integration.coordinator.process import Process

pytestmark = pytest.mark.bus


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[socket.socket]:
    """Where systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(10)
        yield made


@pytest.mark.parametrize("has_broker", [True, False])
def test_it_is_ready_with_or_without_a_broker_and_says_that_it_stops(
    server: RealServer, tmp_path: Path, channel: socket.socket, has_broker: bool
) -> None:
    if has_broker:
        server.start()
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    process = Process(server.url("coordinator"), tmp_path, environment).child
    process.start()
    assert channel.recv(100) == b"READY=1"
    process.stop()
    assert channel.recv(100) == b"STOPPING=1"
    assert "the coordinator has stopped" in process.log.read_text()
    assert PASSWORD not in process.log.read_text()
