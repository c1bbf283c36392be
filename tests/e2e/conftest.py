"""Real engines in network namespaces, made once; a fresh control plane for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.image import busybox_root
from cli.machines import Machine, Machines
from tests.e2e.world import IMAGE, World

NODES = 3


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with Machines.create(tmp_path_factory.mktemp("engines"), NODES) as machines:
        machines.import_image(IMAGE, busybox_root())
        yield machines


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def world(engines: Machines) -> Iterator[World]:
    """A cluster of three nodes, all ready."""
    engines.wipe()
    with engines.cluster() as cluster:
        world: World = World(cluster)
        world.wait_for_nodes(NODES)
        yield world
        # Captured output is shown for failed tests only.
        world.show_logs()
    engines.wipe()


@pytest.fixture
def machine(engines: Machines) -> Machine:
    return engines[0]
