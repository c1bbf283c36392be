"""Old copies and races: what is in doubt, what isn't, and global services and volumes too."""

import asyncio
import copy

import pytest

from coordinator.store.evidence import DoubtKind
from schemas.command import (
    AnyCommand,
    DeleteProject,
    RestoreProject,
    ScaleService,
    StartProject,
    StopProject,
)
from schemas.query import ViewProject
from schemas.reply import ReasonCode
from tests.component.coordinator.test_doubts import TWO, slots, submit, told, two_projects
from tests.component.coordinator.world import World, code, creation, eventually
from tests.fakes.answers import parsed


@pytest.fixture
async def world() -> World:
    return await two_projects()


class TestAnOldCopy:
    """Of the bucket of projects alone: every sequence that a new coordinator sees is plausible."""

    @pytest.fixture
    async def rolled_back(self, world: World) -> World:
        old = copy.deepcopy(world.projects)
        grow = ScaleService(command_id="g", service_id="shop_web", type="scale_to", value=6)
        assert (await submit(world, grow)).outcome == "accepted"
        await world.settle(1, 2)
        world.projects.go_back_to(old)
        fresh = await world.successor()
        fresh.hear_what(world)
        await fresh.do_pass()
        return fresh

    async def test_removes_no_container(self, rolled_back: World) -> None:
        before = slots(rolled_back)
        assert len([slot for slot in before if slot[0] == "shop"]) == 7
        await rolled_back.do_pass()
        assert slots(rolled_back) == before
        assert {n: d.kind for n, d in rolled_back.store.doubts.items()} == {
            "shop": DoubtKind.ROLLED_BACK
        }
        assert parsed(await rolled_back.intake.ask(ViewProject(name="shop")))["record"] == (
            "rolled_back"
        )

    async def test_is_restored_to_what_documents_say(self, rolled_back: World) -> None:
        before = slots(rolled_back)
        reply = await submit(rolled_back, RestoreProject(command_id="r", name="shop"))
        assert reply.outcome == "accepted"
        await rolled_back.settle(1, 2)
        assert slots(rolled_back) == before
        record = rolled_back.record()
        assert record is not None
        assert (record.services["web"].scale, record.template) == (6, TWO)
        again = await rolled_back.successor()
        again.hear_what(rolled_back)
        await again.do_pass()
        assert dict(again.store.doubts) == {}

    async def test_is_restored_without_what_was_scaled_to_nothing_since(self, world: World) -> None:
        old = copy.deepcopy(world.projects)
        shrink = ScaleService(command_id="g", service_id="shop_web", type="scale_to", value=0)
        assert (await submit(world, shrink)).outcome == "accepted"
        await world.settle(1, 2)
        grow = ScaleService(command_id="h", service_id="shop_db", type="scale_to", value=2)
        assert (await submit(world, grow)).outcome == "accepted"
        await world.settle(1, 2)
        before = slots(world)
        world.projects.go_back_to(old)
        fresh = await world.successor()
        fresh.hear_what(world)
        await fresh.do_pass()
        restore = RestoreProject(command_id="r", name="shop")
        assert (await submit(fresh, restore)).outcome == "accepted"
        await fresh.settle(1, 2)
        assert slots(fresh) == before
        # It may as well have had no place: whoever restores it is told.
        record = fresh.record()
        assert record is not None
        assert "no node has orders for web, stopped here" in record.warnings[-1]

    async def test_of_a_project_that_was_deleted_starts_nothing_again(self, world: World) -> None:
        old = copy.deepcopy(world.projects)
        assert (
            await submit(world, DeleteProject(command_id="d", name="shop", force=True))
        ).outcome == "accepted"
        await world.do_pass()
        before = slots(world)
        world.projects.go_back_to(old)
        fresh = await world.successor()
        fresh.hear_what(world)
        for _ in range(3):
            await fresh.do_pass()
        assert slots(fresh) == before
        assert fresh.store.doubts["shop"].kind is DoubtKind.ROLLED_BACK


async def test_what_no_document_describes_is_not_restored(world: World) -> None:
    world.projects.write("other-one", b"{not json")
    await world.loop.read()
    await world.do_pass()
    stored = dict(world.projects.values)
    reply = await submit(world, RestoreProject(command_id="r", name="other-one"))
    assert code(reply) is ReasonCode.UNAVAILABLE
    assert world.projects.values == stored


async def test_nothing_is_restored_that_would_order_away_what_runs(world: World) -> None:
    # The documents are lost as well: only the nodes know of the containers.
    world.projects.lose_key("shop")
    for name in ("n1", "n2"):
        world.desired.lose_key(name)
    fresh = World(world.buckets, world.epoch + 1, lease=world.lease, accepted=world.epoch)
    await fresh.loop.read()
    fresh.hear_what(world)
    await fresh.do_pass()
    await fresh.do_pass()
    for index in (1, 2):
        running = world.store.reports[f"n{index}"].containers
        fresh.hear(index, *running)
    await fresh.do_pass()
    assert fresh.store.doubts["shop"].kind is DoubtKind.LOST
    reply = await submit(fresh, RestoreProject(command_id="r", name="shop"))
    assert code(reply) is ReasonCode.UNAVAILABLE
    assert reply.reason is not None
    assert "no document has db, web" in reply.reason.message
    again = creation("c-9", template=TWO)
    assert (await submit(fresh, again)).outcome == "accepted"
    await fresh.settle(1, 2)
    assert [s[:3] for s in slots(fresh) if s[0] == "shop"] == [
        ("shop", "db", 1),
        ("shop", "web", 1),
        ("shop", "web", 2),
    ]


def belongings(world: World) -> list[object]:
    """The networks and volumes that documents have."""
    documents = [world.document(1), world.document(2)]
    return [(each.networks, each.volumes) for each in documents if each is not None]


async def test_an_old_tombstone_removes_no_volume_and_no_network(world: World) -> None:
    keeping = (
        "version: '2'\nservices: {db: {image: 'db:1', volumes: ['kept:/d']}}\nvolumes: {kept: {}}"
    )
    gone = DeleteProject(command_id="d", name="shop", force=True, volumes=True)
    assert (await submit(world, gone)).outcome == "accepted"
    await world.settle(1, 2)
    await world.do_pass()
    old = copy.deepcopy(world.projects)
    assert (await submit(world, creation("c-5", template=keeping))).outcome == "accepted"
    await world.settle(1, 2)
    before = belongings(world)
    world.projects.go_back_to(old)
    fresh = await world.successor()
    fresh.hear_what(world)
    for _ in range(3):
        await fresh.do_pass()
    assert fresh.store.doubts["shop"].kind is DoubtKind.ROLLED_BACK
    assert belongings(fresh) == before


class TestARecordThatIsReadAgain:
    async def test_in_the_middle_of_a_pass_removes_nothing_before_it_is_doubted(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = world.projects.values["shop"]
        grow = ScaleService(command_id="g", service_id="shop_web", type="scale_to", value=6)
        assert (await submit(world, grow)).outcome == "accepted"
        await world.settle(1, 2)
        before = slots(world)
        # As a command does that has lost a race, while the pass waits for a write.
        world.hear(1, settled=False)
        following = world.loop._following
        assert following is not None
        begin = following.begin

        def go_back() -> None:
            begin()
            projects = world.store.projects
            projects._take("shop", projects._decoded("shop", *old), old[1])

        monkeypatch.setattr(following, "begin", go_back)
        await world.do_pass()
        assert slots(world) == before


class TestNothingIsInDoubt:
    async def test_in_the_life_of_a_project(self, world: World) -> None:
        grow = ScaleService(command_id="g", service_id="shop_web", type="scale_to", value=4)
        commands: list[AnyCommand] = [
            grow,
            StopProject(command_id="s", name="shop"),
            StartProject(command_id="t", name="shop"),
            DeleteProject(command_id="d", name="shop", force=True),
        ]
        for command in commands:
            assert (await submit(world, command)).outcome == "accepted"
            for _ in range(4):
                await world.do_pass()
                assert dict(world.store.doubts) == {}
                world.obey(1)
                assert dict(world.store.doubts) == {}
                world.obey(2)
        assert (await submit(world, creation("c-7"))).outcome == "accepted"
        await world.settle(1, 2)
        assert told(world) == []

    async def test_by_what_somebody_else_wrote_meanwhile(self, world: World) -> None:
        other = await world.successor()
        other.hear_what(world)
        grow = ScaleService(command_id="g", service_id="shop_web", type="scale_to", value=4)
        assert (await submit(other, grow)).outcome == "accepted"
        await other.settle(1, 2)
        await world.loop.read()
        world.loop.doubts.follow()
        assert dict(world.store.doubts) == {}

    async def test_by_what_is_written_between_the_reading_of_records_and_of_documents(
        self, world: World
    ) -> None:
        fresh = World(world.buckets, world.epoch + 1, lease=world.lease)
        gate = world.nodes.hold("snapshot")
        reading = asyncio.create_task(fresh.loop.read())
        await eventually(lambda: ("snapshot", "") in world.nodes.calls)
        grow = ScaleService(command_id="g", service_id="shop_web", type="scale_to", value=4)
        assert (await submit(world, grow)).outcome == "accepted"
        await world.settle(1, 2)
        gate.set()
        world.nodes.release("snapshot")
        await reading
        fresh.loop.doubts.follow()
        assert dict(fresh.store.doubts) == {}

    async def test_by_containers_that_are_ordered_away(self, world: World) -> None:
        # The second node is away while the project is deleted by force, and comes back later.
        left = world.store.reports["n2"].containers
        world.store.last_heard["n2"] -= 60.0
        force = DeleteProject(command_id="d", name="shop", force=True)
        assert (await submit(world, force)).outcome == "accepted"
        for _ in range(3):
            await world.do_pass()
            world.obey(1)
        world.projects.lose_key("shop")
        world.store.projects.forget("shop")
        world.hear(2, *left)
        await world.do_pass()
        assert "shop" not in world.store.doubts


async def test_a_global_service_is_restored_as_one(world: World) -> None:
    everywhere = "version: '2'\nservices: {log: {image: log, labels: {aliyun.global: 'true'}}}"
    assert (await submit(world, creation("c-3", "logs", template=everywhere))).outcome == "accepted"
    await world.settle(1, 2)
    before = slots(world)
    world.projects.lose_key("logs")
    fresh = await world.successor()
    fresh.hear_what(world)
    await fresh.do_pass()
    assert (await submit(fresh, RestoreProject(command_id="r", name="logs"))).outcome == "accepted"
    await fresh.settle(1, 2)
    assert slots(fresh) == before
    assert fresh.store.projects["logs"].services["log"].template.is_global
