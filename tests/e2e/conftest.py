"""Real engines in network namespaces, made once; a control plane that the tests of a file share."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from cli.image import busybox_root
from cli.machines import Machines
from tests.e2e.world import IMAGE, World
from tests.guard import LeakGuard

NODES = 3


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory, leak_guard: LeakGuard) -> Iterator[Machines]:
    with Machines.create(tmp_path_factory.mktemp("engines"), NODES) as machines:
        machines.import_image(IMAGE, busybox_root())
        for machine in machines:
            leak_guard.watch(machine.dockerd)
        yield machines


class Shared:
    """One cluster for test after test; another one when a test has spoiled it."""

    def __init__(self, engines: Machines) -> None:
        self._engines = engines
        self._running = ExitStack()
        self.world = self._start()

    def _start(self) -> World:
        world = World(self._running.enter_context(self._engines.cluster()))
        world.wait_for_nodes(NODES)
        return world

    def clear(self) -> None:
        """Leave no project, no volume and nothing broken behind. Raises AssertionError."""
        try:
            if not self.world.is_spoiled:
                self.world.clear()
        except BaseException:
            self.world.is_spoiled = True
            raise
        finally:
            if self.world.is_spoiled:
                self.end()
                self.world = self._start()

    def end(self) -> None:
        self._running.close()
        self._engines.wipe()


@pytest.fixture(scope="module")
def shared(engines: Machines) -> Iterator[Shared]:
    made = Shared(engines)
    yield made
    made.end()


@pytest.fixture
def world(shared: Shared) -> Iterator[World]:
    """A cluster of three nodes, all ready, and nothing on it."""
    yield shared.world
    # Captured output is shown for failed tests only.
    shared.world.show_logs()
    shared.clear()
