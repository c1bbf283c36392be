"""What is kept and can't be read is left alone, and stops nobody else."""

import pytest

from coordinator.errors import RevisionConflict
from schemas.command import ScaleService
from tests.builders import a_status
from tests.component.coordinator.world import World


@pytest.fixture
def world(shop: World) -> World:
    return shop


class TestUnreadable:
    async def test_a_project_record_is_left_alone_and_its_containers_too(
        self, world: World
    ) -> None:
        before = world.document()
        world.projects.write("shop", b"{not json")
        await world.loop.read()
        await world.do_pass()
        assert world.projects.values["shop"][0] == b"{not json"
        assert world.document() == before

    async def test_a_document_is_made_again_around_what_runs(self, world: World) -> None:
        before = world.document()
        assert before is not None
        world.desired.write("n1", b"{not json")
        await world.loop.read()
        await world.do_pass()
        after = world.document()
        assert after is not None
        assert after.slots == before.slots
        assert after.generation > before.generation

    async def test_a_node_record_stops_nobody_else(self, world: World) -> None:
        world.nodes.write("n2", b"{not json")
        world.hear(2)
        with pytest.raises(RevisionConflict):
            await world.do_pass()
        await world.loop.read()
        await world.intake.submit(
            ScaleService(command_id="s", service_id="shop_web", type="scale_to", value=2)
        )
        await world.do_pass()
        document = world.document()
        assert document is not None
        assert len(document.slots) == 2

    async def test_a_node_whose_record_is_mended_joins_after_the_next_reading(
        self, world: World
    ) -> None:
        world.nodes.write("n2", b"{not json")
        world.hear(2)
        with pytest.raises(RevisionConflict):
            await world.do_pass()
        await world.loop.read()
        await world.do_pass()
        await world.nodes.delete("n2", world.nodes.sequence)
        await world.do_pass()
        assert "n2" not in world.nodes.values
        await world.loop.read()
        await world.do_pass()
        assert "n2" in world.nodes.values
        assert "n2" in world.store.nodes

    async def test_keys_that_are_no_nodes_are_not_joined(self, world: World) -> None:
        world.store.reports.set("a.b", a_status(1))
        await world.do_pass()
        assert world.nodes.values.keys() == {"n1"}
