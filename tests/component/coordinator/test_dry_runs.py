"""A dry run says what its command would do, does nothing, and is refused where that would be."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from coordinator.commands import dry_runs
from schemas.command import CreateProject, DeleteVolume, UpdateProject
from schemas.reply import ReasonCode, Reply
from tests.component.coordinator.releasing import Shop, confirm, rolling, update
from tests.component.coordinator.times import CLOCK
from tests.component.coordinator.world import World, at_once, code, creation
from tests.fakes.buckets import FakeBucket

NAS = {"diskId": "d", "host": "10.0.0.9", "path": "/"}


def dry(command: CreateProject | UpdateProject) -> CreateProject | UpdateProject:
    return command.model_copy(update={"dry_run": True})


def actions(reply: Reply) -> dict[str, str]:
    assert reply.outcome == "accepted", reply.reason
    return {each["container"]: each["action"] for each in reply.result["changes"]}


def traces(world: World) -> tuple[object, ...]:
    """Everything that a command may leave behind."""
    buckets = [getattr(world.buckets, name) for name in vars(type(world.buckets))["__slots__"]]
    assert all(isinstance(bucket, FakeBucket) for bucket in buckets)
    written = [dict(bucket.values) for bucket in buckets]
    told = [list(world.journal), list(world.sink.events)]
    return written, told, world.store.changes.version, world.store.projects.get("shop")


class TestNothingIsDone:
    async def test_a_creation_leaves_no_trace(self, world: World) -> None:
        world.hear(1)
        await world.do_pass()
        before = traces(world)
        reply = await world.intake.submit(dry(creation(wait=30)))
        assert actions(reply) == {"shop_web_1": "create"}
        assert (reply.command_id, reply.operation_id, reply.progress) == ("c-1", "", None)
        assert traces(world) == before

    @pytest.mark.parametrize(
        "fields", [{}, {"update_method": "blue-green"}, {"latest_image": True}]
    )
    async def test_an_update_leaves_no_trace(self, fields: dict[str, Any]) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        before = traces(shop.world)
        reply = await shop.say(dry(update(rolling(2), **fields)))
        assert reply.result["version"] == "2.0"
        assert traces(shop.world) == before
        await shop.steps(2)
        assert shop.record.release is None

    async def test_its_id_is_free_for_the_real_command(self, world: World) -> None:
        await world.intake.submit(dry(creation()))
        assert (await world.intake.submit(creation())).operation_id
        command = update("web: {image: 'web:2'}")
        await world.intake.submit(dry(command))
        assert (await world.intake.submit(command)).operation_id

    async def test_a_volume_that_it_names_can_be_deleted_meanwhile(self) -> None:
        deleted: list[Reply] = []

        async def meanwhile(function: Any, *args: Any, **options: Any) -> Any:
            if function is dry_runs._plan:
                deletion = DeleteVolume(command_id="d", name="data")
                deleted.append(await world.intake.submit(deletion))
            return await at_once(function, *args, **options)

        world = World(offload=meanwhile)
        await world.create_volume(NAS)
        template = "web: {image: 'web:1', volumes: ['data:/data']}"
        await world.intake.submit(dry(creation(template=template)))
        assert [reply.outcome for reply in deleted] == ["accepted"]

    async def test_warnings_are_told_with_it(self, world: World) -> None:
        template = "services: {web: {image: 'web:1', deploy: {endpoint_mode: vip}}}"
        reply = await world.intake.submit(dry(creation(template=template)))
        assert reply.warnings
        assert tuple(reply.result["warnings"]) == reply.warnings


class TestRefusals:
    """The same words and codes, because the same code decides."""

    @pytest.mark.parametrize(
        ("command", "expected"),
        [
            (creation("x"), ReasonCode.CONFLICT),
            (creation("x", "other", template="web: ["), ReasonCode.INVALID),
            (creation("x", "other", template="web: {imagine: x}"), ReasonCode.INVALID),
            (update(rolling(2), "1.0"), ReasonCode.CONFLICT),
            (update(rolling(2), name="other"), ReasonCode.NOT_FOUND),
            (update("web: ["), ReasonCode.INVALID),
            (update(rolling(2), "", update_method="blue-green"), ReasonCode.INVALID),
        ],
    )
    async def test_what_would_be_refused_is(
        self, command: CreateProject | UpdateProject, expected: ReasonCode
    ) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        journal = len(shop.world.journal)
        refused = await shop.world.intake.submit(dry(command))
        assert (refused.outcome, code(refused)) == ("rejected", expected)
        assert len(shop.world.journal) == journal
        assert await shop.world.intake.submit(command) == refused

    async def test_while_an_update_is_unconfirmed(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        await shop.say(update(rolling(2), update_method="blue-green"))
        await shop.rest()
        refused = await shop.world.intake.submit(dry(update(rolling(3), "3.0")))
        assert refused == await shop.world.intake.submit(update(rolling(3), "3.0"))

    async def test_after_its_deadline(self, world: World) -> None:
        late = creation(deadline=CLOCK.now() - timedelta(seconds=1), dry_run=True)
        assert code(await world.intake.submit(late)) is ReasonCode.EXPIRED

    async def test_by_a_standby_and_while_halted(self, world: World) -> None:
        world.intake.close("a standby")
        assert code(await world.intake.submit(dry(creation()))) is ReasonCode.UNAVAILABLE
        world.intake.close("")
        world.store.halt("data is lost")
        assert code(await world.intake.submit(dry(creation()))) is ReasonCode.UNAVAILABLE


class TestManyAtOnce:
    """Each is seconds of the processor's time in a large cluster."""

    @pytest.fixture
    def slow(self) -> World:
        at_work = 0

        async def elsewhere(function: Any, *args: Any, **options: Any) -> Any:
            nonlocal at_work
            if function is dry_runs._plan:
                assert at_work < dry_runs.PLANS_AT_ONCE
                at_work += 1
                await asyncio.sleep(1)
                at_work -= 1
            return await at_once(function, *args, **options)

        return World(offload=elsewhere)

    @staticmethod
    async def _ask(world: World, count: int) -> list[str]:
        many = [dry(creation(f"c-{number}", f"p{number}")) for number in range(count)]
        replies = await asyncio.gather(*(world.intake.submit(each) for each in many))
        assert {code(each) for each in replies if each.reason} <= {ReasonCode.UNAVAILABLE}
        return [each.outcome for each in replies]

    async def test_they_are_made_off_the_loop_one_at_a_time(self, slow: World) -> None:
        begun = CLOCK.monotonic()
        assert await self._ask(slow, 3) == ["accepted"] * 3
        assert CLOCK.monotonic() - begun >= 3 / dry_runs.PLANS_AT_ONCE

    async def test_more_than_can_be_made_soon_are_refused(self, slow: World) -> None:
        accepted = ["accepted"] * dry_runs.PLANS_MAX
        assert await self._ask(slow, dry_runs.PLANS_MAX + 1) == [*accepted, "rejected"]
        assert await self._ask(slow, 1) == ["accepted"]


class TestWhatItGoesBy:
    async def test_what_other_projects_take_is_taken(self, world: World) -> None:
        world.hear(1)
        template = "web: {image: 'web:1', ports: ['80:80']}"
        await world.intake.submit(creation("o", "other", template=template))
        await world.settle()
        reply = await world.intake.submit(dry(creation(template=template)))
        (change,) = reply.result["changes"]
        assert (change["action"], change["node"]) == ("wait", "")
        assert "80/tcp" in change["reason"]

    async def test_the_same_update_planned_after_it_was_made_keeps_everything(self) -> None:
        shop = Shop()
        await shop.start(rolling(1))
        await shop.say(update(rolling(2, replicas=3)))
        await shop.rest()
        planned = actions(await shop.say(dry(update(rolling(2, replicas=3), "3.0"))))
        assert planned == dict.fromkeys(shop.healthy(), "keep")

    @pytest.mark.parametrize(("image", "action"), [("web:1", "keep"), ("web:2", "replace")])
    async def test_a_project_whose_record_is_lost_is_planned_around_what_runs(
        self, shop: World, image: str, action: str
    ) -> None:
        shop.projects.lose_key("shop")
        await shop.loop.read()
        assert shop.store.doubt_about("shop") is not None
        again = creation("c-2", template=f"web: {{image: '{image}'}}")
        assert actions(await shop.intake.submit(dry(again))) == {"shop_web_1": action}

    async def test_after_a_confirmed_update_names_go_on_from_there(self) -> None:
        shop = Shop()
        await shop.start(rolling(1, replicas=1))
        await shop.say(update(rolling(2, replicas=1), update_method="blue-green"))
        await shop.rest()
        await shop.say(confirm())
        await shop.rest()
        planned = actions(await shop.say(dry(update(rolling(3, replicas=2), "3.0"))))
        assert planned == {
            "shop_web_1_r2": "replace",
            "shop_web_2_r2": "create",
            "shop_db_1": "keep",
        }
