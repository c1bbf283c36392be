"""Volumes that don't work on a node, and whose containers are to move then."""

import pytest

from schemas.current import MountCurrent
from schemas.states import MountState, Wanted
from tests.component.coordinator.world import World, creation

SHARE = {"host": "nas.example", "path": "/abc", "when_stuck": "move"}
FINE = MountCurrent(name="data", state=MountState.MOUNTED)
STUCK = MountCurrent(name="data", state=MountState.STUCK, reason="no answer")
FAILED = MountCurrent(name="data", state=MountState.FAILED, since="2026-01-01T10:00:00Z")
LATER = "2026-01-01T10:02:00Z"


@pytest.fixture
async def world() -> World:
    """Two nodes with a volume, and a service with one container that uses it, on the first."""
    world = World()
    world.hear(1)
    world.hear(2)
    await world.do_pass()
    await world.create_volume(SHARE)
    template = "version: '2'\nservices: {web: {image: 'web:1', volumes: ['data:/d']}}"
    assert (await world.intake.submit(creation(template=template))).outcome == "accepted"
    await world.do_pass()
    for index in (1, 2):
        world.obey(index, mounts=(FINE,))
    await world.do_pass()
    assert wanted(world) == {1: Wanted.RUNNING, 2: None}
    return world


def wanted(world: World) -> dict[int, Wanted | None]:
    entries = {index: world.entry(index=index) for index in (1, 2)}
    return {index: entry.wanted if entry else None for index, entry in entries.items()}


@pytest.mark.parametrize("broken", [STUCK, FAILED], ids=["stuck", "failed"])
async def test_a_container_moves_to_a_node_where_its_volume_works(
    world: World, broken: MountCurrent
) -> None:
    world.obey(1, mounts=(broken,), observed_at=LATER)
    world.obey(2, mounts=(FINE,))
    for _ in range(3):
        await world.do_pass()
    assert wanted(world)[2] is Wanted.RUNNING
    assert wanted(world)[1] is Wanted.ABSENT


@pytest.mark.parametrize("broken", [STUCK, FAILED], ids=["stuck", "failed"])
async def test_a_container_that_has_nowhere_to_go_is_left_alone(
    world: World, broken: MountCurrent
) -> None:
    for index in (1, 2):
        world.obey(index, mounts=(broken,), observed_at=LATER)
    for _ in range(3):
        await world.do_pass()
    assert wanted(world) == {1: Wanted.RUNNING, 2: None}
