"""Passes over buckets that fail, race and lie, and over a memory that must never move backwards."""

import asyncio
from datetime import timedelta

import pytest

from coordinator.errors import BusUnavailable
from schemas.codec import decode, encode
from schemas.command import DeleteProject, ScaleService, StopProject
from schemas.errors import InvalidInput
from schemas.event import EventKind
from schemas.records import NodeRecord
from schemas.states import NodeState, State, Wanted
from tests.builders import a_container, a_project, a_status
from tests.component.coordinator.times import CLOCK
from tests.component.coordinator.world import PACE, World, creation, eventually


@pytest.fixture
def world(shop: World) -> World:
    return shop


async def reading(world: World) -> "tuple[asyncio.Task[None], asyncio.Event]":
    """A read that has its snapshot of the projects, and puts it into the store on the event."""
    gate = world.projects.hold("snapshot")
    task = asyncio.create_task(world.loop.read())
    seen = len(world.projects.calls)
    await eventually(lambda: len(world.projects.calls) > seen)
    return task, gate


class TestMemory:
    async def test_a_read_does_not_take_back_what_was_saved_meanwhile(self, world: World) -> None:
        read, gate = await reading(world)
        await world.intake.submit(StopProject(command_id="s", name="shop"))
        gate.set()
        await read
        assert world.store.projects["shop"] == world.record()

    async def test_a_new_process_holds_the_specs_of_records_and_documents_once(
        self, world: World
    ) -> None:
        store = (await world.successor()).store
        (spec,) = store.documents["n1"].specs.values()
        assert spec is store.projects["shop"].services["web"].template.spec

    async def test_a_read_does_not_forget_what_was_created_meanwhile(self, world: World) -> None:
        read, gate = await reading(world)
        await world.intake.submit(creation("c-2", "other"))
        gate.set()
        await read
        assert world.store.projects.keys() == {"shop", "other"}

    async def test_a_read_does_not_bring_back_what_was_dropped_meanwhile(
        self, world: World
    ) -> None:
        await world.intake.submit(DeleteProject(command_id="d", name="shop", force=True))
        await world.settle()
        await world.do_pass()
        await asyncio.sleep(PACE.tombstone_s + 1)
        read, gate = await reading(world)
        await world.do_pass()
        gate.set()
        await read
        assert dict(world.store.projects) == {}

    async def test_a_read_shows_what_others_wrote_and_dropped(self, world: World) -> None:
        held = world.store.projects["shop"]
        world.projects.write("shop", encode(held.model_copy(update={"version": "2"})))
        world.projects.write("other", encode(a_project(name="other")))
        await world.loop.read()
        assert world.store.projects["shop"].version == "2"
        await world.projects.delete("other", world.store.projects.revision("other"))
        await world.loop.read()
        assert world.store.projects.keys() == {"shop"}

    async def test_a_read_that_fails_is_made_up_for(self, world: World) -> None:
        world.projects.lose("snapshot", happened=False)
        with pytest.raises(BusUnavailable):
            await world.loop.read()
        assert world.loop._reread


class TestPasses:
    async def test_a_pass_over_nothing_new_writes_nothing(self, world: World) -> None:
        calls = len(world.desired.calls)
        await world.do_pass()
        await world.do_pass()
        assert len(world.desired.calls) == calls

    async def test_nodes_get_the_next_index_when_they_join(self, world: World) -> None:
        for index in (5, 3):
            world.hear(index)
        await world.do_pass()
        records = {
            name: decode(NodeRecord, value) for name, (value, _) in world.nodes.values.items()
        }
        assert {name: record.index for name, record in records.items()} == {
            "n1": 1,
            "n3": 2,
            "n5": 3,
        }

    async def test_where_a_slot_leaves_is_written_before_where_it_goes(self) -> None:
        world = World()
        for index in (1, 2, 3):
            world.hear(index)
        moving = "db: {image: db, environment: ['reschedule:on-node-failure']}"
        await world.intake.submit(creation(template=moving))
        await world.settle(1, 2, 3)
        (home,) = world.assigned().values()
        world.desired.calls.clear()
        world.store.last_heard[home] = world.now() - 30.0
        await world.do_pass()
        written = world.desired.written()
        assert written[0] == home
        assert len(written) == 2
        assert EventKind.SLOT_MOVED in [event.kind for event in world.sink.events]

    async def test_one_document_that_can_not_be_written_holds_up_no_other(self) -> None:
        world = World()
        for index in (1, 2):
            world.hear(index)
        await world.intake.submit(creation())
        await world.intake.submit(
            ScaleService(command_id="s", service_id="shop_web", type="scale_to", value=2)
        )
        world.desired.lose("put", happened=False)
        with pytest.raises(BusUnavailable):
            await world.do_pass()
        assert len(world.desired.values) == 1
        assert dict(world.store.applied) == {}
        assert sorted(world.meter.writes) == ["ok", "unavailable"]

    async def test_a_document_too_large_for_the_bus_is_shown_and_holds_up_no_other(self) -> None:
        world = World()
        for index in (1, 2):
            world.hear(index)
        await world.intake.submit(creation())
        await world.intake.submit(
            ScaleService(command_id="s", service_id="shop_web", type="scale_to", value=2)
        )

        def refuse(key: str) -> None:
            if key == "n1":
                raise InvalidInput(f"desired/{key} is larger than NATS takes")

        world.desired.before_put = refuse
        await world.do_pass()
        assert set(world.desired.values) == {"n2"}
        assert sorted(world.meter.writes) == ["ok", "refused"]
        view = world.view()
        assert any("larger than NATS takes" in reason for reason in view.reasons)
        world.desired.before_put = lambda _key: None
        await world.do_pass()
        assert set(world.desired.values) == {"n1", "n2"}
        assert dict(world.store.refused) == {}

    async def test_a_stopped_project_keeps_its_place_after_a_restart(self, world: World) -> None:
        await world.intake.submit(StopProject(command_id="s", name="shop"))
        await world.settle()
        successor = await world.successor()
        successor.hear(2)
        successor.obey(1)
        await successor.settle(1, 2)
        document = world.document(1)
        assert document is not None
        assert [slot.wanted for slot in document.slots] == [Wanted.STOPPED]


class TestDeletion:
    async def test_a_project_is_buried_when_every_node_has_let_go(self, world: World) -> None:
        await world.intake.submit(DeleteProject(command_id="d", name="shop", force=True))
        await world.do_pass()
        record = world.record()
        assert record is not None
        assert (record.desired_state, record.is_gone) == (State.DELETED, False)
        world.obey()
        await world.do_pass()
        record = world.record()
        assert record is not None
        assert record.is_gone
        assert world.views.all() == {}

    async def test_a_tombstone_is_dropped_in_time_and_its_name_is_free(self, world: World) -> None:
        await world.intake.submit(DeleteProject(command_id="d", name="shop", force=True))
        await world.settle()
        await world.do_pass()
        assert world.record() is not None
        await asyncio.sleep(PACE.tombstone_s + 1)
        await world.do_pass()
        assert world.record() is None
        assert (await world.intake.submit(creation("c-2"))).outcome == "accepted"

    async def test_a_name_may_be_created_again_over_its_tombstone(self, world: World) -> None:
        await world.intake.submit(DeleteProject(command_id="d", name="shop", force=True))
        await world.settle()
        assert (await world.intake.submit(creation("c-2"))).outcome == "accepted"
        await world.settle()
        assert world.view().current_state is State.RUNNING


class TestNodes:
    @pytest.mark.parametrize(
        ("settled_for_s", "expected"), [(7.0, NodeState.SUSPECT), (60.0, NodeState.DOWN)]
    )
    async def test_a_new_coordinator_gives_a_node_nothing_new_before_it_has_heard_it(
        self, world: World, settled_for_s: float, expected: NodeState
    ) -> None:
        successor = await world.successor()
        successor.store.reports.set("n1", a_status(1, a_container()))
        await successor.loop.do_pass(successor.epoch, world.now() - settled_for_s)
        assert successor.states() == {"n1": expected}
        successor.hear(1, a_container())
        await successor.do_pass()
        assert successor.states() == {"n1": NodeState.READY}

    async def test_while_the_link_is_not_settled_nothing_is_rescheduled(self, world: World) -> None:
        await world.loop.do_pass(world.epoch, None)
        assert world.store.frozen_because


class TestRun:
    async def test_after_a_lost_race_it_reads_again_and_goes_on(self, world: World) -> None:
        # Another coordinator has written this node's document: ours is of an old revision.
        document = world.document()
        assert document is not None
        world.desired.write("n1", encode(document.model_copy(update={"generation": 90})))
        work = asyncio.create_task(world.loop.run(world.epoch, world.settled_since))
        await world.intake.submit(StopProject(command_id="s", name="shop"))
        await eventually(lambda: world.wants(Wanted.STOPPED))
        work.cancel()
        await asyncio.wait({work})
        after = world.document()
        assert after is not None
        assert after.generation == 91
        assert "retry" in world.meter.passes

    async def test_when_the_bus_is_back_it_goes_on(self, world: World) -> None:
        await world.intake.submit(StopProject(command_id="s", name="shop"))
        for bucket in (world.projects, world.nodes, world.desired):
            bucket.is_down = True
        work = asyncio.create_task(world.loop.run(world.epoch, world.settled_since))
        await eventually(lambda: world.meter.passes.count("failed") >= 2)
        for bucket in (world.projects, world.nodes, world.desired):
            bucket.is_down = False
        await eventually(lambda: world.wants(Wanted.STOPPED))
        work.cancel()
        await asyncio.wait({work})


@pytest.mark.parametrize("observed_at", ["", "yesterday", "2026-01-01T00:00:00", "2026-01-01"])
async def test_a_time_that_is_none_is_nobodys_last_report(world: World, observed_at: str) -> None:
    world.store.reports.set("n9", a_status(9).model_copy(update={"observed_at": observed_at}))
    assert world.loop.health._last_reports({"n9", "n10"}, 1000.0) == {}


async def test_a_last_report_is_told_on_our_own_clock(world: World) -> None:
    minute_ago = (CLOCK.now() - timedelta(seconds=60)).isoformat()
    world.store.reports.set("n9", a_status(9).model_copy(update={"observed_at": minute_ago}))
    assert world.loop.health._last_reports({"n9"}, 1000.0)["n9"] == pytest.approx(940.0)
