"""Real engines in network namespaces, made once; a control plane that the tests of a file share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.image import busybox_root
from cli.machines import Machines
from tests.e2e.fake_router import FakeRouter
from tests.e2e.release_scenarios import Stage
from tests.e2e.world import IMAGE, World
from tests.guard import LeakGuard
from tests.registry import PORT, Registry, release

NODES = 3
#: what `push` pushes to
REFERENCE = f"127.0.0.1:{PORT}/shop/web:1"

Push = Callable[[str], str]


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory, leak_guard: LeakGuard) -> Iterator[Machines]:
    with Machines.create(tmp_path_factory.mktemp("engines"), NODES) as machines:
        machines.import_image(IMAGE, busybox_root())
        for machine in machines:
            leak_guard.watch(machine.dockerd)
        yield machines


class Shared:
    """One cluster for test after test."""

    def __init__(self, engines: Machines, guard: LeakGuard) -> None:
        self._engines = engines
        self._guard = guard
        self._running = ExitStack()
        self._world: World | None = None

    def lend(self) -> World:
        """Running, all nodes ready, and nothing on it."""
        if self._world is None:
            with self._guard.holding(self):
                world = World(self._running.enter_context(self._engines.cluster()))
            try:
                world.wait_for_nodes(NODES)
            except BaseException:
                self.end()
                raise
            self._world = world
        return self._world

    def take_back(self, world: World) -> None:
        """Make it clean for the next test; if that can't be done, that one gets another."""
        try:
            world.clear()
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        self._world = None
        self._running.close()
        self._engines.wipe()
        self._guard.release(self)


@pytest.fixture(scope="module")
def shared(engines: Machines, leak_guard: LeakGuard) -> Iterator[Shared]:
    made = Shared(engines, leak_guard)
    yield made
    made.end()


@pytest.fixture
def world(shared: Shared) -> Iterator[World]:
    """A cluster of three nodes, all ready, and nothing on it."""
    world = shared.lend()
    yield world
    # Captured output is shown for failed tests only.
    world.show_logs()
    shared.take_back(world)


@pytest.fixture
def registries(engines: Machines, tmp_path: Path) -> Iterator[dict[str, Registry]]:
    """One on every node's loopback, by node; all serve the same images."""
    store = tmp_path / "store"
    made = {m.name: Registry(f"registry-{m.name}", store, m.enter) for m in engines}
    try:
        for registry in made.values():
            registry.start()
        yield made
    finally:
        for registry in made.values():
            registry.stop()
        for machine in engines:
            machine.engine.remove_image(REFERENCE)


@pytest.fixture
def push(engines: Machines, registries: dict[str, Registry]) -> Push:
    """Push a version under the tag that all have, from n1's loopback; returns the image's id."""
    assert registries
    return lambda version: release(engines[0].engine, IMAGE, REFERENCE, version)


@pytest.fixture
def stage(world: World, registries: dict[str, Registry]) -> Iterator[Stage]:
    with FakeRouter(world) as router:
        made = Stage(world, router, registries)
        yield made
        made.let_pulls_go()
