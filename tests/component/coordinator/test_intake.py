"""Commands through the one door: decided once, saved once, answered alike."""

import asyncio
import gc
from datetime import timedelta
from typing import Any

import pytest

from coordinator.errors import NotFound, RevisionConflict
from coordinator.store.nodes import Health
from coordinator.views.known import KnownNow
from schemas.codec import decode, encode
from schemas.command import DeleteProject, ScaleService, StopProject
from schemas.query import ListProjects, ViewProject
from schemas.records import ProjectRecord
from schemas.reply import Progress, ReasonCode
from schemas.states import NodeState, State, Wanted
from tests.component.coordinator.times import CLOCK
from tests.component.coordinator.world import LONG_S, World, code, creation, eventually
from tests.fakes.answers import parsed


class TestOnce:
    async def test_the_same_command_twice_has_one_effect_and_one_answer(self, world: World) -> None:
        first = await world.intake.submit(creation())
        again = await world.intake.submit(creation())
        assert first.outcome == "accepted"
        assert again == first
        assert world.projects.written() == ["shop"]
        assert len(world.journal) == 1

    async def test_the_same_command_twice_at_once_as_well(self, world: World) -> None:
        answers = await asyncio.gather(*(world.intake.submit(creation()) for _ in range(5)))
        assert all(answer == answers[0] for answer in answers)
        assert world.projects.written() == ["shop"]

    async def test_two_creations_of_one_name_at_once_are_one_creation_and_a_conflict(
        self, world: World
    ) -> None:
        answers = await asyncio.gather(
            *(world.intake.submit(creation(f"c-{number}")) for number in (1, 2))
        )
        assert sorted(answer.outcome for answer in answers) == ["accepted", "rejected"]

    async def test_a_deleted_projects_commands_are_remembered(self, world: World) -> None:
        await world.intake.submit(creation())
        deletion = DeleteProject(command_id="d-1", name="shop")
        first = await world.intake.submit(deletion)
        await world.do_pass()
        record = world.record()
        assert record is not None
        assert record.is_gone
        assert await world.intake.submit(deletion) == first
        other = await world.intake.submit(DeleteProject(command_id="d-2", name="shop"))
        assert code(other) is ReasonCode.NOT_FOUND

    async def test_the_id_of_one_command_is_refused_for_another_which_has_no_effect(
        self, world: World
    ) -> None:
        await world.intake.submit(creation())
        await world.intake.submit(StopProject(command_id="s", name="shop"))
        other = await world.intake.submit(DeleteProject(command_id="s", name="shop"))
        assert (other.outcome, code(other)) == ("rejected", ReasonCode.CONFLICT)
        assert (record := world.record()) is not None
        assert record.desired_state is State.STOPPED

    async def test_a_repeated_command_may_wait_for_what_the_first_one_did(
        self, live: World
    ) -> None:
        first = await live.intake.submit(creation())
        await eventually(lambda: live.wants(Wanted.RUNNING))
        live.obey()
        again = await live.intake.submit(creation(wait=LONG_S))
        assert again.operation_id == first.operation_id
        assert again.progress is Progress.DONE


async def test_a_template_has_the_variables_that_its_project_is_shown_with(world: World) -> None:
    text = "web: {image: 'x:$ACS_PROJECT_VERSION', labels: {of: $COMPOSE_PROJECT_NAME}}"
    mine = {"ACS_PROJECT_VERSION": "evil", "COMPOSE_PROJECT_NAME": "evil"}
    reply = await world.intake.submit(creation(template=text, version="7", environment=mine))
    assert reply.warnings == ()
    record = world.record()
    assert record is not None
    spec = record.services["web"].template.spec
    assert (spec.image, spec.labels) == ("x:7", {"of": "shop"})
    assert record.environment == mine


class TestRefusals:
    async def test_after_its_deadline_a_command_is_refused_and_changes_nothing(
        self, world: World
    ) -> None:
        late = creation(deadline=CLOCK.now() - timedelta(seconds=1))
        assert code(await world.intake.submit(late)) is ReasonCode.EXPIRED
        assert world.projects.calls == []

    async def test_a_command_that_was_carried_out_is_known_after_its_deadline(
        self, world: World
    ) -> None:
        first = await world.intake.submit(creation())
        late = creation(deadline=CLOCK.now() - timedelta(seconds=1))
        assert await world.intake.submit(late) == first

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"template": "web: ["}, ReasonCode.INVALID),
            ({"template": "web: {imagine: x}"}, ReasonCode.INVALID),
        ],
    )
    async def test_what_can_not_be_is_refused_and_changes_nothing(
        self, world: World, fields: dict[str, Any], expected: ReasonCode
    ) -> None:
        reply = await world.intake.submit(creation(**fields))
        assert (reply.outcome, code(reply), reply.command_id) == ("rejected", expected, "c-1")
        assert reply.reason is not None
        assert not reply.reason.message.startswith(f"{reply.reason.where}: ")
        assert world.projects.calls == []
        assert [answer for _, answer in world.journal] == [reply]

    async def test_what_ran_on_a_node_that_was_lost_is_deleted_only_with_force(
        self, world: World
    ) -> None:
        world.hear(1)
        await world.intake.submit(creation())
        await world.settle()
        world.store.health.set("n1", Health(NodeState.DOWN))
        reply = await world.intake.submit(DeleteProject(command_id="d", name="shop"))
        assert code(reply) is ReasonCode.CONFLICT
        forced = DeleteProject(command_id="f", name="shop", force=True)
        assert (await world.intake.submit(forced)).outcome == "accepted"

    async def test_while_not_active_every_command_is_refused_and_queries_are_answered(
        self, world: World
    ) -> None:
        await world.intake.submit(creation())
        world.intake.close("a standby")
        reply = await world.intake.submit(StopProject(command_id="s", name="shop"))
        assert (code(reply), reply.reason and reply.reason.message) == (
            ReasonCode.UNAVAILABLE,
            "a standby",
        )
        assert world.intake.not_ready_because() == "a standby"
        listed = await world.intake.ask(ListProjects())
        assert [project["name"] for project in parsed(listed)] == ["shop"]
        with pytest.raises(NotFound):
            await world.intake.ask(ViewProject(name="other"))


async def test_a_query_about_projects_looks_through_no_node_and_no_volume(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.intake.submit(creation())
    await world.intake.ask(ListProjects())

    def look(*_: object) -> None:
        raise AssertionError("looked")

    monkeypatch.setattr(KnownNow, "nodes", look)
    monkeypatch.setattr(KnownNow, "volumes", look)
    for query in (ListProjects(), ViewProject(name="shop")):
        assert (await world.intake.ask(query)).size


class TestTheBusFails:
    async def test_a_lost_race_is_decided_again_on_what_was_written(self, world: World) -> None:
        await world.intake.submit(creation())

        def scale_elsewhere(key: str) -> None:
            world.projects.before_put = lambda _key: None
            record = decode(ProjectRecord, world.projects.values[key][0])
            web = record.services["web"].model_copy(update={"scale": 5})
            world.projects.write(key, encode(record.model_copy(update={"services": {"web": web}})))

        world.projects.before_put = scale_elsewhere
        one_more = ScaleService(command_id="s", service_id="shop_web", type="scale_out", value=1)
        assert (await world.intake.submit(one_more)).outcome == "accepted"
        record = world.record()
        assert record is not None
        assert record.services["web"].scale == 6

    async def test_a_lost_race_against_a_deletion_is_not_found(self, world: World) -> None:
        await world.intake.submit(creation())
        _, revision = world.projects.values["shop"]
        await world.projects.delete("shop", revision)
        reply = await world.intake.submit(StopProject(command_id="s", name="shop"))
        assert code(reply) is ReasonCode.NOT_FOUND

    async def test_who_loses_every_race_is_told_to_come_back(self, world: World) -> None:
        def meddle(_key: str) -> None:
            raise RevisionConflict("again")

        world.projects.before_put = meddle
        reply = await world.intake.submit(creation())
        assert code(reply) is ReasonCode.UNAVAILABLE

    async def test_what_was_not_saved_is_not_remembered(self, world: World) -> None:
        world.projects.is_down = True
        reply = await world.intake.submit(creation())
        assert (reply.outcome, code(reply)) == ("rejected", ReasonCode.UNAVAILABLE)
        assert parsed(await world.intake.ask(ListProjects())) == []
        world.projects.is_down = False
        assert (await world.intake.submit(creation())).outcome == "accepted"
        assert world.projects.values.keys() == {"shop"}

    async def test_a_command_whose_acknowledgement_was_lost_is_found_when_it_is_sent_again(
        self, world: World
    ) -> None:
        world.projects.lose("put", happened=True)
        assert code(await world.intake.submit(creation())) is ReasonCode.UNAVAILABLE
        stored = world.record()
        assert stored is not None
        again = await world.intake.submit(creation())
        assert again == stored.replies[0].plain

    async def test_a_command_whose_acknowledgement_was_lost_is_carried_out_though_nobody_asks_again(
        self, live: World
    ) -> None:
        live.projects.lose("put", happened=True)
        assert code(await live.intake.submit(creation())) is ReasonCode.UNAVAILABLE
        await eventually(lambda: live.wants(Wanted.RUNNING))


class TestTurns:
    async def test_commands_on_different_projects_do_not_wait_for_each_other(
        self, world: World
    ) -> None:
        gate = world.projects.hold("put")
        slow = asyncio.create_task(world.intake.submit(creation(name="slow")))
        await eventually(lambda: "slow" in world.projects.values)
        world.projects.release("put")
        quick = await world.intake.submit(creation(name="quick"))
        assert quick.outcome == "accepted"
        assert not slow.done()
        gate.set()
        assert (await slow).outcome == "accepted"

    async def test_no_lock_is_kept_for_names_that_somebody_made_up(self, world: World) -> None:
        for number in range(20):
            await world.intake.submit(StopProject(command_id="s", name=f"made-up-{number}"))
        gc.collect()
        assert len(world.deciding._projects._turns) == 0
