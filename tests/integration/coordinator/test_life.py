"""A coordinator process, from systemd's point of view."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.processes import Child
from cli.waiting import wait_until
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


@pytest.fixture
def process(server: RealServer, tmp_path: Path, channel: socket.socket) -> Iterator[Child]:
    """It tells the channel how it is doing."""
    environment = {"NOTIFY_SOCKET": channel.getsockname()}
    made = Process(server.url("coordinator"), tmp_path, environment).child
    yield made
    made.stop()


@pytest.mark.parametrize("has_broker", [True, False])
def test_it_is_ready_with_or_without_a_broker_and_says_that_it_stops(
    server: RealServer, process: Child, channel: socket.socket, has_broker: bool
) -> None:
    if has_broker:
        server.start()
    process.start()
    assert channel.recv(100) == b"READY=1"
    process.stop()
    assert channel.recv(100) == b"STOPPING=1"
    assert "the coordinator has stopped" in process.log.read_text()
    assert PASSWORD not in process.log.read_text()


def test_it_stops_though_its_broker_goes_at_the_same_time(
    server: RealServer, process: Child, channel: socket.socket
) -> None:
    server.start()
    process.start()
    assert channel.recv(100) == b"READY=1"
    assert wait_until(lambda: "this coordinator is active" in process.log.read_text(), 30)
    # What it says to the broker while it stops is never answered.
    server.pause()
    os.kill(process.pid, signal.SIGTERM)
    assert channel.recv(100) == b"STOPPING=1"
    server.kill()
    # nats-py would wait for an answer twice as long.
    process.stop(grace_s=5.0)
    # And was not killed, when its time was over.
    assert "the coordinator has stopped" in process.log.read_text()
