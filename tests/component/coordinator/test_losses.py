"""A bus that went back in time: nothing is changed, everybody is told, and an operator decides."""

import asyncio
import copy

import pytest

from coordinator.errors import BusUnavailable, BusWentBack
from coordinator.store.store import Buckets
from schemas.command import ScaleService, StopProject
from schemas.event import EventKind
from schemas.reply import ReasonCode, Reply
from schemas.states import NodeState, State, Wanted
from tests.builders import a_container
from tests.component.coordinator.world import PACE, World, code, creation, eventually
from tests.fakes.buckets import FakeBucket

NAMES = ("projects", "volumes", "nodes", "desired")


def store(world: World) -> dict[str, FakeBucket]:
    return {name: getattr(world.buckets, name) for name in NAMES}


def backup(world: World) -> dict[str, FakeBucket]:
    return {name: copy.deepcopy(bucket) for name, bucket in store(world).items()}


def restore(world: World, copies: dict[str, FakeBucket]) -> None:
    for name, bucket in store(world).items():
        bucket.go_back_to(copies[name])
        bucket.calls.clear()


async def scaled(world: World, scale: int) -> None:
    command = ScaleService(
        command_id=f"to-{scale}", service_id="shop_web", type="scale_to", value=scale
    )
    assert (await world.intake.submit(command)).outcome == "accepted"
    await world.settle(1, 2)


async def stop(world: World) -> Reply:
    return await world.intake.submit(StopProject(command_id="s", name="shop"))


def wrote_nothing(world: World) -> bool:
    return not any(bucket.written() for bucket in store(world).values())


@pytest.fixture
async def world() -> World:
    """Two nodes, and a service of two containers."""
    world = World()
    world.hear(1)
    world.hear(2)
    await world.intake.submit(creation(template="web: {image: 'web:1'}"))
    await scaled(world, 2)
    return world


async def successor(world: World, *, accepted: int = 0, epoch: int = 0) -> World:
    """A new process, which remembers nothing and hears what the nodes said last."""
    fresh = World(world.buckets, epoch or world.epoch + 1, accepted=accepted, lease=world.lease)
    await fresh.loop.read()
    fresh.hear_what(world)
    return fresh


class TestARunningCoordinator:
    async def test_halts_when_an_older_store_comes_back(self, world: World) -> None:
        old = backup(world)
        await scaled(world, 6)
        restore(world, old)
        with pytest.raises(BusWentBack):
            await world.loop.read()
        assert "bucket " in world.store.halted_because
        reply = await stop(world)
        assert code(reply) is ReasonCode.UNAVAILABLE
        assert reply.reason is not None
        assert "TROOPERS_COORDINATOR_ACCEPT_LOSS=1" in reply.reason.message
        assert world.intake.not_ready_because() == reply.reason.message
        assert [e.kind for e in world.sink.events].count(EventKind.DATA_LOST) == 1
        assert wrote_nothing(world)

    async def test_halts_when_the_store_comes_back_empty(self, world: World) -> None:
        restore(world, {name: FakeBucket() for name in NAMES})
        with pytest.raises(BusWentBack):
            await world.loop.read()
        assert "is empty or gone" in world.store.halted_because
        assert world.store.projects.keys() == {"shop"}

    async def test_goes_on_when_its_newest_store_is_back(self, world: World) -> None:
        old = backup(world)
        await scaled(world, 6)
        newest = backup(world)
        restore(world, old)
        with pytest.raises(BusWentBack):
            await world.loop.read()
        restore(world, newest)
        await world.loop.read()
        assert world.store.halted_because == ""
        assert (await stop(world)).outcome == "accepted"

    async def test_is_not_disturbed_by_what_others_wrote_and_deleted(self, world: World) -> None:
        other = await successor(world)
        await scaled(other, 3)
        await world.loop.read()
        await world.do_pass()
        assert world.store.halted_because == ""


class TestACopyThatLagsBehind:
    @pytest.mark.parametrize("bucket", ["projects", "nodes", "desired"])
    async def test_takes_back_nothing_of_what_is_known(self, world: World, bucket: str) -> None:
        lagging = store(world)[bucket]
        lagging.copy = copy.deepcopy(lagging) if bucket == "desired" else FakeBucket()
        await world.intake.submit(creation("c-2", name="later"))
        await world.settle(1, 2)
        orders = dict(world.store.documents)
        with pytest.raises(BusUnavailable):
            await world.loop.read()
        lagging.copy = None
        await world.do_pass()
        assert world.store.halted_because == ""
        assert dict(world.store.documents) == orders
        assert world.store.projects.keys() == {"later", "shop"}

    async def test_answers_no_command_that_has_lost_a_race(self, world: World) -> None:
        await scaled(await successor(world), 3)
        world.projects.copy = FakeBucket()
        assert code(await stop(world)) is ReasonCode.UNAVAILABLE
        world.projects.copy = None
        assert (await stop(world)).outcome == "accepted"

    async def test_is_asked_again_until_it_has_caught_up(self, world: World) -> None:
        other = await successor(world)
        world.projects.copy = copy.deepcopy(world.projects)
        await other.intake.submit(creation("c-2", name="later"))
        world.loop.reread_and_wake()
        work = asyncio.create_task(world.loop.run(world.epoch, world.settled_since))
        await eventually(lambda: world.meter.passes.count("failed") > 2)
        assert "later" not in world.store.projects
        world.projects.copy = None
        await eventually(lambda: "later" in world.store.projects)
        work.cancel()
        await asyncio.wait({work})


class TestANewCoordinator:
    async def test_halts_when_a_node_holds_newer_orders_than_the_bus(self, world: World) -> None:
        old = backup(world)
        await scaled(world, 6)
        restore(world, old)
        fresh = await successor(world)
        await fresh.do_pass()
        await fresh.do_pass()
        assert "holds orders of epoch 1" in fresh.store.halted_because
        assert fresh.view().current_state is State.RUNNING
        assert wrote_nothing(fresh)
        assert code(await stop(fresh)) is ReasonCode.UNAVAILABLE

    async def test_hears_it_from_a_heartbeat_before_any_status(self, world: World) -> None:
        old = backup(world)
        await scaled(world, 6)
        held = world.document(1)
        assert held is not None
        restore(world, old)
        fresh = World(world.buckets, 2, lease=world.lease)
        await fresh.loop.read()
        fresh.store.positions.set("n1", (held.epoch, held.generation))
        await fresh.do_pass()
        assert fresh.store.halted_because
        assert wrote_nothing(fresh)

    async def test_halts_when_its_epoch_is_older_than_a_node_s(self, world: World) -> None:
        world.hear(1, a_container(), epoch=100, generation=7)
        await world.do_pass()
        assert "ACCEPT_LOSS=100" in world.store.halted_because

    async def test_halts_when_the_whole_store_is_gone(self, world: World) -> None:
        restore(world, {name: FakeBucket() for name in NAMES})
        fresh = await successor(world)
        await fresh.do_pass()
        assert "and the bus has none" in fresh.store.halted_because
        assert wrote_nothing(fresh)

    async def test_is_not_disturbed_by_what_the_former_one_wrote_last(self, world: World) -> None:
        # The node has read it, and we have not: we learn of it by reading again.
        fresh = await successor(world)
        await scaled(world, 6)
        fresh.hear_what(world)
        await fresh.do_pass()
        assert fresh.store.halted_because == ""
        await fresh.settle(1, 2)

    async def test_takes_over_a_cluster_that_is_at_work(self, world: World) -> None:
        fresh = await successor(world)
        await fresh.settle(1, 2)
        assert fresh.store.halted_because == ""
        assert (await stop(fresh)).outcome == "accepted"


class TestAnOperatorAccepts:
    async def test_and_the_copy_that_came_back_counts(self, world: World) -> None:
        old = backup(world)
        await scaled(world, 6)
        restore(world, old)
        fresh = await successor(world, accepted=1)
        await fresh.settle(1, 2)
        assert fresh.store.halted_because == ""
        assert len(fresh.assigned()) == 2
        assert (await stop(fresh)).outcome == "accepted"

    async def test_and_every_node_that_was_ahead_gets_orders_that_it_takes(
        self, world: World
    ) -> None:
        world.hear(1, *world.store.reports["n1"].containers, epoch=100, generation=90)
        fresh = await successor(world, accepted=100, epoch=101)
        await fresh.do_pass()
        document = fresh.document(1)
        assert document is not None
        assert (document.epoch, document.generation) > (101, 90)
        assert [slot.wanted for slot in document.slots] == [Wanted.RUNNING]

    async def test_of_an_older_epoch_only(self, world: World) -> None:
        world.hear(1, epoch=100, generation=90)
        fresh = await successor(world, accepted=99, epoch=200)
        await fresh.do_pass()
        assert fresh.store.halted_because


class TestAStandby:
    async def test_judges_the_nodes_that_it_hears_and_tells_nobody(self, world: World) -> None:
        standby = await successor(world)
        standby.sink.events.clear()
        standby.loop.health.judge(standby.settled_since())
        assert standby.states() == {"n1": NodeState.READY, "n2": NodeState.READY}
        assert standby.sink.events == []


class TestANodeThatIsBehind:
    async def test_is_named_after_a_while_until_it_has_taken_its_orders(self, world: World) -> None:
        assert (await stop(world)).outcome == "accepted"
        await world.do_pass()
        await world.do_pass()
        await asyncio.sleep(PACE.behind_s + 1)
        for name in ("n1", "n2"):
            world.store.last_heard[name] = world.now()
        await world.do_pass()
        view = world.view()
        assert [reason.partition(" since ")[0] for reason in view.reasons] == [
            "web: node n1 has not taken its orders",
            "web: node n2 has not taken its orders",
        ]
        await world.settle(1, 2)
        await world.do_pass()
        view = world.view()
        assert view.reasons == ()

    async def test_is_given_time(self, world: World) -> None:
        assert (await stop(world)).outcome == "accepted"
        await world.do_pass()
        await world.do_pass()
        view = world.view()
        assert view.reasons == ()


class TestAStranger:
    async def test_is_not_taken_in_and_halts_nobody(self, world: World) -> None:
        world.hear(9, a_container(project="theirs"), epoch=900, generation=3)
        await world.do_pass()
        await world.do_pass()
        assert world.store.halted_because == ""
        assert "n9" not in world.nodes.values
        told = [e for e in world.sink.events if e.kind is EventKind.NODE_REFUSED]
        assert [event.node for event in told] == ["n9"]
        world.hear(9)
        await world.do_pass()
        assert "n9" in world.nodes.values


def test_every_bucket_of_records_is_watched() -> None:
    # Nothing that nodes are told follows from the other two.
    assert set(Buckets.__dataclass_fields__) - {"revisions", "routes"} == set(NAMES)
