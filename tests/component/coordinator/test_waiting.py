"""Commands that wait for their effect, and those whose coordinator dies."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from schemas.command import (
    DeleteProject,
    RedeployProject,
    ScaleService,
    StartProject,
    StopProject,
)
from schemas.query import ListProjects
from schemas.reply import Progress, ReasonCode, Reply
from schemas.states import State, Wanted
from tests.builders import a_container, a_problem
from tests.component.coordinator.world import LONG_S, World, code, creation, eventually
from tests.fakes.answers import parsed


class TestWait:
    async def begin(self, world: World, **fields: Any) -> "asyncio.Task[Reply]":
        """A creation that waits, up to the point where its node has its document."""
        waiting = asyncio.create_task(world.intake.submit(creation(wait=LONG_S, **fields)))
        await eventually(lambda: world.wants(Wanted.RUNNING))
        return waiting

    async def quickly(self, waiting: Awaitable[Reply]) -> Reply:
        async with asyncio.timeout(LONG_S / 2):
            return await waiting

    async def test_without_a_wait_the_answer_is_acceptance(self, live: World) -> None:
        reply = await live.intake.submit(creation())
        assert (reply.outcome, reply.progress) == ("accepted", None)

    async def test_the_answer_is_done_when_the_node_has_done_it(self, live: World) -> None:
        waiting = await self.begin(live)
        assert not waiting.done()
        live.obey()
        assert (await self.quickly(waiting)).progress is Progress.DONE

    async def test_a_failure_is_answered_with_its_reason(self, live: World) -> None:
        waiting = await self.begin(live)
        live.hear(1, a_container(status="created"), problems=[a_problem()])
        reply = await self.quickly(waiting)
        assert (reply.outcome, reply.progress) == ("accepted", Progress.FAILED)
        assert (code(reply), reply.reason and reply.reason.message) == (
            ReasonCode.FAILED,
            "no such image (node n1)",
        )

    async def test_when_the_wait_is_over_the_operation_goes_on(self, live: World) -> None:
        reply = await live.intake.submit(creation(wait=0.02))
        assert (reply.outcome, reply.progress, reply.reason) == ("accepted", Progress.RUNNING, None)

    async def test_a_newer_command_ends_the_wait_of_an_older_one(self, live: World) -> None:
        waiting = await self.begin(live)
        await live.intake.submit(StopProject(command_id="s", name="shop"))
        reply = await self.quickly(waiting)
        assert (reply.progress, code(reply)) == (Progress.SUPERSEDED, ReasonCode.CONFLICT)

    async def test_commands_on_two_services_are_both_waited_for_to_the_end(
        self, live: World
    ) -> None:
        await self.begin(live, template="web: {image: 'web:1'}\ndb: {image: 'db:1'}")
        live.obey()
        both = []
        for service in ("shop_web", "shop_db"):
            scale = ScaleService(
                command_id=service, service_id=service, type="scale_to", value=2, wait=LONG_S
            )
            both.append(asyncio.create_task(live.intake.submit(scale)))
        await eventually(lambda: live.wants(Wanted.RUNNING, "web.2"))
        await eventually(lambda: live.wants(Wanted.RUNNING, "db.2"))
        live.obey()
        assert {(await self.quickly(each)).progress for each in both} == {Progress.DONE}

    async def test_the_same_wish_twice_is_waited_for_twice(self, live: World) -> None:
        await self.begin(live)
        live.obey()
        both = [
            asyncio.create_task(
                live.intake.submit(StopProject(command_id=name, name="shop", wait=LONG_S))
            )
            for name in ("one", "two")
        ]
        await eventually(lambda: live.wants(Wanted.STOPPED))
        live.obey()
        assert {(await self.quickly(each)).progress for each in both} == {Progress.DONE}

    async def test_a_stop_is_not_done_before_the_node_has_heard_of_it(self, live: World) -> None:
        await self.begin(live)
        live.obey()
        stop = StopProject(command_id="s", name="shop", wait=LONG_S)
        waiting = asyncio.create_task(live.intake.submit(stop))
        await eventually(lambda: live.wants(Wanted.STOPPED))
        assert not waiting.done()
        live.obey()
        assert (await self.quickly(waiting)).progress is Progress.DONE

    async def test_a_start_after_a_failure_waits_for_another_try(self, live: World) -> None:
        waiting = await self.begin(live)
        failed = a_container(status="created")
        live.hear(1, failed, problems=[a_problem()])
        assert (await self.quickly(waiting)).progress is Progress.FAILED
        start = StartProject(command_id="s", name="shop", wait=LONG_S)
        waiting = asyncio.create_task(live.intake.submit(start))
        await eventually(lambda: (entry := live.entry()) is not None and entry.tries == 1)
        assert not waiting.done()
        live.obey()
        assert (await self.quickly(waiting)).progress is Progress.DONE

    async def test_a_start_is_not_done_by_containers_that_are_still_being_stopped(
        self, live: World
    ) -> None:
        await self.begin(live)
        live.obey()
        await live.intake.submit(StopProject(command_id="p", name="shop"))
        await eventually(lambda: live.wants(Wanted.STOPPED))
        live.hear(1, a_container(stopping=True), settled=False)
        start = StartProject(command_id="s", name="shop", wait=LONG_S)
        waiting = asyncio.create_task(live.intake.submit(start))
        await eventually(lambda: live.wants(Wanted.RUNNING))
        live.hear(1, a_container(stopping=True), settled=False)
        await asyncio.sleep(0.01)
        assert not waiting.done()
        assert live.view().current_state is State.STARTING
        live.obey()
        assert (await self.quickly(waiting)).progress is Progress.DONE

    async def test_a_redeploy_is_done_when_the_node_has_nothing_left_to_do(
        self, live: World
    ) -> None:
        await self.begin(live)
        live.obey()
        redeploy = RedeployProject(command_id="r", name="shop", wait=LONG_S)
        waiting = asyncio.create_task(live.intake.submit(redeploy))
        await eventually(lambda: (entry := live.entry()) is not None and entry.refresh == 1)
        live.obey(settled=False)
        await asyncio.sleep(0.01)
        assert not waiting.done()
        live.obey()
        assert (await self.quickly(waiting)).progress is Progress.DONE

    async def test_a_deletion_is_done_when_the_project_is_gone(self, live: World) -> None:
        await self.begin(live)
        live.obey()
        deletion = DeleteProject(command_id="d", name="shop", force=True, wait=LONG_S)
        waiting = asyncio.create_task(live.intake.submit(deletion))
        await eventually(lambda: live.wants(Wanted.ABSENT))
        assert not waiting.done()
        live.obey()
        assert (await self.quickly(waiting)).progress is Progress.DONE
        assert parsed(await live.intake.ask(ListProjects())) == []

    async def test_what_was_settled_before_is_done_at_once(self, live: World) -> None:
        await self.begin(live)
        live.obey()
        reply = await self.quickly(
            live.intake.submit(StartProject(command_id="s", name="shop", wait=LONG_S))
        )
        assert reply.progress is Progress.DONE


class TestCrash:
    async def test_what_was_saved_is_finished_by_the_next_coordinator(self, world: World) -> None:
        world.hear(1)
        await world.do_pass()
        # Dies after the record is put: nobody makes the documents that follow from it.
        first = await world.intake.submit(creation())
        assert world.document() is None

        successor = await world.successor()
        successor.hear(1)
        await successor.settle()
        document = world.document()
        assert document is not None
        assert [slot.wanted.value for slot in document.slots] == ["running"]
        assert document.epoch == successor.epoch
        assert await successor.intake.submit(creation()) == first

    async def test_what_was_begun_is_finished_by_the_next_coordinator(self, world: World) -> None:
        for index in (1, 2):
            world.hear(index)
        await world.do_pass()
        await world.intake.submit(creation())
        await world.intake.submit(
            ScaleService(command_id="s", service_id="shop_web", type="scale_to", value=2)
        )
        # Dies between the writes of two documents.
        world.desired.lose("put", happened=False)
        work = asyncio.create_task(world.do_pass())
        await asyncio.wait({work})
        assert work.exception() is not None
        assert len(world.desired.values) == 1

        successor = await world.successor()
        for index in (1, 2):
            successor.obey(index)
        await successor.settle(1, 2)
        view = successor.view()
        assert view.current_state is State.RUNNING
        assert len(view.services["web"].containers) == 2
        assert {len(held.slots) for index in (1, 2) if (held := world.document(index))} == {1}
