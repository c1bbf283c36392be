import asyncio

import nats
import pytest
from aiohttp.test_utils import TestClient, TestServer

from coordinator.faces.admission import BOUNDS, Admission, Bound, Kind
from coordinator.faces.http.application import build_app
from coordinator.metrics import Metrics
from tests.component.api.publisher import Broker, answering
from tests.fakes.door import FakeDoor
from tests.fakes.pictures import a_node, a_project


@pytest.fixture
def door():
    return FakeDoor({"wordpress": a_project(), "blog": a_project("blog")}, (a_node(),))


class Lateness:
    """How late the event loop is, as a test says."""

    def __init__(self):
        self.lag_s = 0.0

    def __call__(self):
        return self.lag_s


@pytest.fixture
def lateness():
    return Lateness()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
async def client(door, metrics):
    app = build_app(door, meter=metrics, exposition=metrics.exposition)
    async with TestClient(TestServer(app)) as client:
        yield client


FEW = {
    **BOUNDS,
    Kind.COMMAND: Bound(at_once=4, lag_s_max=0.25),
    Kind.WAIT: Bound(at_once=2, lag_s_max=0.25),
}


@pytest.fixture
async def broker(tmp_path):
    made = Broker(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def bus(broker):
    client = await nats.connect(broker.url, reconnect_time_wait=0.05, max_reconnect_attempts=-1)
    yield client
    await client.close()


@pytest.fixture
async def face(broker, door, lateness):
    async with answering(broker, door, admission=Admission(lateness, None, FEW)) as face:
        yield face


@pytest.fixture
def held(door, monkeypatch):
    """Commands wait at the door until this is set: those with a wait decided, the others not."""
    release = asyncio.Event()
    submit = door.submit

    async def wait(command, decided):
        if command.wait:
            decided()
        await release.wait()
        return await submit(command)

    monkeypatch.setattr(door, "submit", wait)
    return release
