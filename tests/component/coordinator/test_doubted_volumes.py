"""A volume's record that is lost or unreadable: it stays mounted, and can be restored."""

import pytest

from schemas.command import RestoreVolume
from schemas.reply import ReasonCode
from schemas.states import Wanted
from tests.component.coordinator.test_doubts import submit
from tests.component.coordinator.world import World, code, creation


class TestVolumes:
    @pytest.fixture
    async def world(self) -> World:
        world = World()
        world.hear(1)
        await world.do_pass()
        await world.create_volume({"host": "nas.example", "path": "/abc"})
        await world.settle()
        return world

    def mounts(self, world: World) -> list[tuple[str, Wanted]]:
        document = world.document()
        assert document is not None
        return [(mount.name, mount.wanted) for mount in document.mounts]

    async def lose(self, world: World, way: str) -> World:
        """The record; a new coordinator."""
        if way == "lost":
            world.volumes.lose_key("data")
        else:
            world.volumes.write("data", b"{not json")
        fresh = await world.successor()
        fresh.hear_what(world)
        await fresh.do_pass()
        return fresh

    @pytest.mark.parametrize("way", ["lost", "unreadable"])
    async def test_are_no_mistake_of_the_project_that_uses_them(
        self, world: World, way: str
    ) -> None:
        fresh = await self.lose(world, way)
        template = "db:\n  image: postgres\n  volumes: ['data:/var/lib/data']\n"
        reply = await fresh.intake.submit(creation(template=template))
        assert code(reply) is ReasonCode.UNAVAILABLE
        assert reply.reason is not None
        assert "POST /volumes/data/restore" in reply.reason.message
        await submit(fresh, RestoreVolume(command_id="r", name="data"))
        assert (await fresh.intake.submit(creation("c-2", template=template))).outcome == "accepted"

    @pytest.mark.parametrize("way", ["lost", "unreadable"])
    async def test_stay_mounted_and_are_restored(self, world: World, way: str) -> None:
        fresh = await self.lose(world, way)
        assert self.mounts(fresh) == [("data", Wanted.RUNNING)]
        assert fresh.store.volume_doubts["data"].kind.value == way
        reply = await submit(fresh, RestoreVolume(command_id="r", name="data"))
        assert reply.outcome == "accepted"
        await fresh.settle()
        assert self.mounts(fresh) == [("data", Wanted.RUNNING)]
        assert dict(fresh.store.volume_doubts) == {}
        assert fresh.store.volumes["data"].volume == world.store.volumes["data"].volume
