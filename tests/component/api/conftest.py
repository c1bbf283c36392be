import pytest
from aiohttp.test_utils import TestClient, TestServer

from coordinator.faces.http.application import build_app
from coordinator.metrics import Metrics
from tests.fakes.door import FakeDoor
from tests.fakes.pictures import a_node, a_project


@pytest.fixture
def door():
    return FakeDoor({"wordpress": a_project(), "blog": a_project("blog")}, (a_node(),))


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
async def client(door, metrics):
    app = build_app(door, meter=metrics, exposition=metrics.exposition)
    async with TestClient(TestServer(app)) as client:
        yield client
