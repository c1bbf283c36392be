"""Signals that change nothing that is wanted: who gets them, and what is answered."""

import asyncio
from typing import Any

import pytest

from schemas.command import KillProject, ScaleService
from schemas.reply import Progress
from schemas.states import Wanted
from tests.component.coordinator.world import LONG_S, World, creation, eventually

TWO_TIERS = "web: {image: 'web:1'}\ndb: {image: 'db:1', stop_signal: HUP}"


def hangup(command_id: str = "k", **fields: Any) -> KillProject:
    return KillProject(command_id=command_id, name="shop", signal="HUP", **fields)


async def begin(world: World, **fields: Any) -> None:
    world.hear(1)
    await world.intake.submit(creation(**fields))
    await world.settle()


async def test_a_signal_that_ends_nothing_goes_to_the_running_containers(world: World) -> None:
    await begin(world)
    before = world.record()
    reply = await world.intake.submit(hangup(wait=LONG_S))
    assert (reply.outcome, reply.progress) == ("accepted", Progress.DONE)
    assert world.requests.sent == [("n1", ("id-shop_web_1",), "HUP")]
    assert before is not None
    assert (after := world.record()) is not None
    assert (after.services, after.operation) == (before.services, before.operation)


async def test_a_delivered_signal_that_is_sent_again_is_not_delivered_again(world: World) -> None:
    await begin(world)
    first = await world.intake.submit(hangup(wait=LONG_S))
    assert await world.intake.submit(hangup()) == first
    assert len(world.requests.sent) == 1


async def test_sent_again_while_it_is_being_delivered_a_signal_has_one_delivery(
    world: World,
) -> None:
    await begin(world)
    world.requests.gate.clear()
    both = [asyncio.create_task(world.intake.submit(hangup(wait=LONG_S))) for _ in range(2)]
    await eventually(lambda: bool(world.requests.sent))
    await asyncio.sleep(0.01)
    world.requests.gate.set()
    assert {(await each).progress for each in both} == {Progress.DONE}
    assert len(world.requests.sent) == 1


async def test_a_signal_that_could_not_be_delivered_is_a_failure_and_may_be_sent_again(
    world: World,
) -> None:
    await begin(world)
    world.requests.fault = "its agent does not answer"
    reply = await world.intake.submit(hangup(wait=LONG_S))
    assert (reply.outcome, reply.progress) == ("accepted", Progress.FAILED)
    assert reply.reason is not None
    assert reply.reason.message == "signal HUP to web on node n1: its agent does not answer"
    world.requests.fault = ""
    assert (await world.intake.submit(hangup(wait=LONG_S))).progress is Progress.DONE
    assert len(world.requests.sent) == 2


async def test_a_signal_that_some_services_stop_at_is_sent_again_to_the_others_only(
    live: World,
) -> None:
    await live.intake.submit(creation(template=TWO_TIERS))
    await eventually(lambda: live.wants(Wanted.RUNNING))
    live.obey()
    live.requests.fault = "its agent does not answer"
    reply = await live.intake.submit(hangup(wait=LONG_S))
    assert reply.progress is Progress.FAILED
    await eventually(lambda: live.wants(Wanted.STOPPED, "db.1"))
    live.requests.fault = ""
    again = asyncio.create_task(live.intake.submit(hangup(wait=LONG_S)))
    await eventually(lambda: len(live.requests.sent) == 2)
    assert {containers for _, containers, _ in live.requests.sent} == {("id-shop_web_1",)}
    live.obey()
    assert (await again).progress is Progress.DONE


async def test_without_a_wait_a_signal_is_answered_before_any_node_has_answered(
    world: World,
) -> None:
    await begin(world)
    world.requests.gate.clear()
    reply = await world.intake.submit(hangup())
    assert (reply.outcome, reply.progress) == ("accepted", None)
    late = await world.intake.submit(hangup("other", wait=0.01))
    assert late.progress is Progress.RUNNING
    world.requests.gate.set()


async def test_the_nodes_of_a_service_are_signalled_side_by_side(world: World) -> None:
    for index in (1, 2):
        world.hear(index)
    await world.intake.submit(creation())
    two = ScaleService(command_id="s", service_id="shop_web", type="scale_to", value=2)
    await world.intake.submit(two)
    await world.settle(1, 2)
    world.requests.gate.clear()
    await world.intake.submit(hangup())
    await eventually(lambda: {node for node, _, _ in world.requests.sent} == {"n1", "n2"})
    world.requests.gate.set()


async def test_a_frozen_node_is_waited_for_once_and_keeps_no_other_node_from_a_signal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in (1, 2):
        world.hear(index)
    await world.intake.submit(creation(template="web: {image: 'web:1'}\ndb: {image: 'db:1'}"))
    for service in ("shop_web", "shop_db"):
        await world.intake.submit(
            ScaleService(command_id=service, service_id=service, type="scale_to", value=2)
        )
    await world.settle(1, 2)
    world.requests.frozen.add("n1")
    reply = await world.intake.submit(hangup(wait=LONG_S))
    assert sorted(node for node, _, _ in world.requests.sent) == ["n1", "n2", "n2"]
    assert reply.reason is not None
    assert reply.reason.message.count("on node n1") == 2
    assert "n2" not in reply.reason.message
