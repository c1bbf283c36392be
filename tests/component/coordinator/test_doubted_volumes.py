"""A volume's record that is lost or unreadable: it stays mounted, and can be restored."""

import pytest

from schemas.command import RestoreVolume
from schemas.states import Wanted
from tests.component.coordinator.test_doubts import submit
from tests.component.coordinator.world import World


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

    @pytest.mark.parametrize("way", ["lost", "unreadable"])
    async def test_stay_mounted_and_are_restored(self, world: World, way: str) -> None:
        if way == "lost":
            world.volumes.lose_key("data")
        else:
            world.volumes.write("data", b"{not json")
        fresh = await world.successor()
        fresh.hear_what(world)
        await fresh.do_pass()
        assert self.mounts(fresh) == [("data", Wanted.RUNNING)]
        assert fresh.store.volume_doubts["data"].kind.value == way
        reply = await submit(fresh, RestoreVolume(command_id="r", name="data"))
        assert reply.outcome == "accepted"
        await fresh.settle()
        assert self.mounts(fresh) == [("data", Wanted.RUNNING)]
        assert dict(fresh.store.volume_doubts) == {}
        assert fresh.store.volumes["data"].volume == world.store.volumes["data"].volume
