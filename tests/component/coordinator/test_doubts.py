"""A record that is lost, unreadable or an old copy: nothing is changed, it is told, and there is a way out.

Each case is tried with a coordinator that runs, and with one that starts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from coordinator.store.evidence import DoubtKind
from schemas.codec import encode
from schemas.command import (
    AnyCommand,
    DeleteProject,
    KillProject,
    RedeployProject,
    RestoreProject,
    ScaleService,
    StartProject,
    StopProject,
)
from schemas.event import EventKind
from schemas.query import ListProjects, ViewProject
from schemas.reply import ReasonCode, Reply
from schemas.states import State, Wanted
from tests.component.coordinator.world import World, code, creation
from tests.fakes.answers import parsed

TWO = "web: {image: 'web:1', labels: {aliyun.scale: '2'}}\ndb: {image: 'db:1'}"


@dataclass
class Case:
    """How a record is damaged, and what that is called."""

    kind: DoubtKind
    damage: Callable[[World], None]


def lose(world: World) -> None:
    world.projects.lose_key("shop")


def spoil(world: World) -> None:
    value, revision = world.projects.values["shop"]
    world.projects.values["shop"] = (value[: len(value) // 2], revision)


def from_a_newer_version(world: World) -> None:
    world.projects.write("shop", b'{"schema_version": 9, "name": "shop", "plan": {}}')


CASES = [
    pytest.param(Case(DoubtKind.LOST, lose), id="lost"),
    pytest.param(Case(DoubtKind.UNREADABLE, spoil), id="damaged"),
    pytest.param(Case(DoubtKind.UNREADABLE, from_a_newer_version), id="of a newer version"),
]


async def two_projects() -> World:
    """Two nodes with a project of three containers, and one that is nobody's concern."""
    world = World()
    world.hear(1)
    world.hear(2)
    await world.intake.submit(creation(template=TWO))
    await world.intake.submit(creation("c-2", "other"))
    await world.settle(1, 2)
    return world


@pytest.fixture
async def world() -> World:
    return await two_projects()


async def damaged(world: World, case: Case, *, restarted: bool) -> World:
    """The coordinator after the damage: the one that runs, or one that starts."""
    case.damage(world)
    if restarted:
        fresh = await world.successor()
        fresh.hear_what(world)
        world = fresh
    else:
        # What is kept is read again whenever the link comes back.
        world.store.projects._revisions["shop"] = -1
        await world.loop.read()
    await world.do_pass()
    return world


def slots(world: World) -> list[tuple[str, str, int, Wanted]]:
    return sorted(
        (slot.project, slot.service, slot.slot, slot.wanted)
        for index in (1, 2)
        if (document := world.document(index)) is not None
        for slot in document.slots
    )


def told(world: World) -> list[str]:
    return [e.project for e in world.sink.events if e.kind is EventKind.RECORD_DOUBTED]


async def submit(world: World, command: AnyCommand) -> Reply:
    return await world.intake.submit(command)


@pytest.mark.parametrize("restarted", [False, True], ids=["runs", "starts"])
@pytest.mark.parametrize("case", CASES)
class TestADoubtedRecord:
    async def test_changes_no_document_and_is_told_once(
        self, world: World, case: Case, restarted: bool
    ) -> None:
        before = slots(world)
        world = await damaged(world, case, restarted=restarted)
        for _ in range(3):
            await world.do_pass()
            world.obey(1)
            world.obey(2)
        assert slots(world) == before
        assert world.store.doubts["shop"].kind is case.kind
        assert told(world) == ["shop"]

    async def test_is_shown_with_what_is_known_of_it(
        self, world: World, case: Case, restarted: bool
    ) -> None:
        world = await damaged(world, case, restarted=restarted)
        shown = parsed(await world.intake.ask(ViewProject(name="shop")))
        assert shown["record"] == case.kind.value
        assert "is in doubt" in shown["reasons"][0]
        by_name = {each["name"]: each for each in shown["services"]}
        assert {name: len(each["containers"]) for name, each in by_name.items()} == {
            "db": 1,
            "web": 2,
        }
        assert by_name["web"]["current_state"] == "running"
        listed = parsed(await world.intake.ask(ListProjects()))
        assert [(each["name"], each.get("record")) for each in listed] == [
            ("other", None),
            ("shop", case.kind.value),
        ]

    @pytest.mark.parametrize(
        "command",
        [
            StartProject(command_id="x", name="shop"),
            StopProject(command_id="x", name="shop"),
            KillProject(command_id="x", name="shop"),
            RedeployProject(command_id="x", name="shop"),
            DeleteProject(command_id="x", name="shop"),
            ScaleService(command_id="x", service_id="shop_web", type="scale_to", value=5),
        ],
        ids=lambda command: type(command).__name__,
    )
    async def test_refuses_commands_as_what_is_ours_to_mend(
        self, world: World, case: Case, restarted: bool, command: AnyCommand
    ) -> None:
        before = slots(world)
        world = await damaged(world, case, restarted=restarted)
        stored = dict(world.projects.values)
        reply = await submit(world, command)
        assert code(reply) is ReasonCode.UNAVAILABLE
        assert reply.reason is not None
        assert "/projects/shop/restore" in reply.reason.message
        await world.do_pass()
        assert (dict(world.projects.values), slots(world)) == (stored, before)

    async def test_is_restored_from_the_documents_and_no_container_is_made_anew(
        self, world: World, case: Case, restarted: bool
    ) -> None:
        before = slots(world)
        specs = [slot.spec for index in (1, 2) for slot in world.document(index).slots]  # type: ignore[union-attr]
        world = await damaged(world, case, restarted=restarted)
        reply = await submit(world, RestoreProject(command_id="r", name="shop"))
        assert reply.outcome == "accepted"
        assert any("not known" in warning for warning in reply.warnings)
        await world.settle(1, 2)
        assert slots(world) == before
        assert [s.spec for i in (1, 2) for s in world.document(i).slots] == specs  # type: ignore[union-attr]
        assert dict(world.store.doubts) == {}
        assert world.view().current_state is State.RUNNING
        grow = ScaleService(command_id="g", service_id="shop_web", type="scale_to", value=3)
        assert (await submit(world, grow)).outcome == "accepted"
        await world.settle(1, 2)
        assert len(slots(world)) == len(before) + 1

    async def test_is_taken_over_by_who_creates_it_again(
        self, world: World, case: Case, restarted: bool
    ) -> None:
        world = await damaged(world, case, restarted=restarted)
        again = creation("c-9", template="web: {image: 'web:2'}")
        reply = await submit(world, again)
        if case.kind is not DoubtKind.LOST:
            assert code(reply) is ReasonCode.UNAVAILABLE
            on_purpose = creation("c-10", template=again.template, take_over=True)
            reply = await submit(world, on_purpose)
        assert reply.outcome == "accepted"
        await world.settle(1, 2)
        assert [s[1:3] for s in slots(world) if s[0] == "shop"] == [("web", 1)]
        assert dict(world.store.doubts) == {}

    async def test_is_deleted_with_force(self, world: World, case: Case, restarted: bool) -> None:
        world = await damaged(world, case, restarted=restarted)
        reply = await submit(world, DeleteProject(command_id="d", name="shop", force=True))
        assert reply.outcome == "accepted"
        await world.settle(1, 2)
        await world.do_pass()
        assert {slot[0] for slot in slots(world)} == {"other"}
        record = world.record()
        assert record is not None
        assert record.is_gone
        assert dict(world.store.doubts) == {}


async def test_who_has_a_record_has_nothing_to_restore(world: World) -> None:
    assert code(await submit(world, RestoreProject(command_id="r", name="shop"))) is (
        ReasonCode.CONFLICT
    )
    assert code(await submit(world, RestoreProject(command_id="r", name="no"))) is (
        ReasonCode.NOT_FOUND
    )


async def test_a_record_that_is_mended_is_in_doubt_no_longer(world: World) -> None:
    value = encode(world.store.projects["shop"])
    world = await damaged(world, Case(DoubtKind.UNREADABLE, from_a_newer_version), restarted=False)
    assert "shop" in world.store.doubts
    world.projects.write("shop", value)
    await world.loop.read()
    await world.do_pass()
    assert dict(world.store.doubts) == {}
    assert (await submit(world, StopProject(command_id="s", name="shop"))).outcome == "accepted"
