"""A volume that is deleted while a project that uses it is created: only one of the two succeeds."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from compose.template import compile_template
from coordinator.commands import compiling
from schemas.command import DeleteVolume
from schemas.reply import Reply
from tests.component.coordinator.world import World, creation, eventually

SHARE = {"host": "nas.example", "path": "/abc"}
TEMPLATE = "version: '2'\nservices: {web: {image: 'web:1', volumes: ['data:/d']}}"


@pytest.fixture
async def world() -> World:
    world = World(offload=asyncio.to_thread)
    world.hear(1)
    await world.do_pass()
    await world.create_volume(SHARE)
    await world.settle()
    return world


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Templates are read once this is set."""
    gate = threading.Event()

    def slowly(*arguments: object, **options: object) -> object:
        gate.wait(10)
        return compile_template(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(compiling, "compile_template", slowly)
    yield gate
    gate.set()


async def both(first: asyncio.Task[Reply], second: asyncio.Task[Reply]) -> list[str]:
    return [
        reply.reason.message if reply.reason else ""
        for reply in await asyncio.gather(first, second)
    ]


def submit(world: World, command: object) -> asyncio.Task[Reply]:
    return asyncio.create_task(world.intake.submit(command))  # type: ignore[arg-type]


async def test_it_is_deleted_while_the_template_is_read(
    world: World, reading: threading.Event
) -> None:
    creating = submit(world, creation(template=TEMPLATE))
    await asyncio.sleep(0.05)
    deleted = await world.intake.submit(DeleteVolume(command_id="d", name="data"))
    reading.set()
    assert deleted.outcome == "accepted"
    refused = await creating
    assert refused.reason is not None
    assert refused.reason.message == "the volume nas/data is being deleted"
    assert "shop" not in world.store.projects


@pytest.mark.parametrize("is_project_first", [True, False])
async def test_whoever_decides_first_has_decided_before_it_is_saved(
    world: World, is_project_first: bool
) -> None:
    creating, deleting = creation(template=TEMPLATE), DeleteVolume(command_id="d", name="data")
    saving = world.projects if is_project_first else world.volumes
    saving.calls.clear()
    saved = saving.hold("put")
    first = submit(world, creating if is_project_first else deleting)
    await eventually(lambda: bool(saving.written()))
    second = submit(world, deleting if is_project_first else creating)
    await asyncio.sleep(0.2)
    saved.set()
    won, lost = await both(first, second)
    assert won == ""
    # Where the deletion was first, the template is read without the volume.
    neither = "the volume data is neither declared nor a shared volume of the cluster"
    assert ("data is in use by shop_web" if is_project_first else neither) in lost


async def test_a_creation_that_fails_holds_nothing(world: World) -> None:
    world.projects.lose("put", happened=False)
    assert (await world.intake.submit(creation(template=TEMPLATE))).outcome == "rejected"
    assert (await world.intake.submit(DeleteVolume(command_id="d", name="data"))).reason is None
