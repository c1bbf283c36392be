"""The whole agent over fakes: what orders and accidents lead to, and how soon."""

import asyncio

import pytest

from agent import reconciler
from agent.domain.observation import Observation
from agent.domain.plan import Plan, plan
from agent.errors import EngineUnavailable, PortTaken
from schemas.desired import NodeDesired
from schemas.event import EventKind
from schemas.states import EngineState, Wanted
from tests.component.agent.node import FakeNode
from tests.fakes.orders import a_network, a_slot, a_spec, a_volume, joining, orders
from tests.fakes.script import Behaviour


async def test_orders_are_carried_out_and_reported(node: FakeNode) -> None:
    spec = a_spec(networks=joining())
    await node.order(orders(a_slot(spec=spec), a_slot(slot=2, spec=spec), networks=[a_network()]))

    assert [c.name for c in node.status.containers] == ["shop_web_1", "shop_web_2"]
    assert all(c.running for c in node.status.containers)
    assert node.status.problems == ()
    assert "shop_default" in node.engine.nets


async def test_a_killed_container_is_visible_and_repaired_within_a_second(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    await asyncio.sleep(5)
    before = len(node.bus.statuses)
    node.engine.die(node.engine.named("shop_web_1").id)

    took_s = await node.until(lambda: node.status.containers[0].fail_count == 1)
    assert took_s < 1.0
    await node.until(lambda: node.status.settled)
    shown = [s.containers[0].running for s in node.bus.statuses[before:]]
    assert shown[0] is False
    assert shown[-1] is True
    assert any(event.kind is EventKind.CONTAINER_DIED for event in node.bus.events)


async def test_a_removed_container_is_made_again(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    old = node.engine.named("shop_web_1").id
    node.engine.vanish(old)

    took_s = await node.until(
        lambda: bool(node.status.containers) and node.status.containers[0].id != old
    )
    assert took_s < 1.0


async def test_a_crash_loop_backs_off_and_stays_visible(node: FakeNode) -> None:
    node.engine.behave("web:1", Behaviour(exits_with=3))
    node.bus.put_desired(orders(a_slot()))
    await asyncio.sleep(600)

    # At 0 s twice, then 1, 10, 20, 40, 80, 160, 300 s after each exit.
    assert len(node.engine.called("start")) == 8
    (problem,) = node.status.problems
    assert problem.code == "crashed"
    assert problem.attempts == 8
    assert problem.retry_at
    assert not node.status.settled


async def test_orders_that_are_heard_of_again_and_again_change_no_back_off(node: FakeNode) -> None:
    node.engine.behave("web:1", Behaviour(exits_with=3))
    node.bus.put_desired(orders(a_slot()))
    for _ in range(600):
        await asyncio.sleep(1)
        node.bus.hint()
    assert len(node.engine.called("start")) == 8


async def test_nothing_is_planned_anew_on_orders_that_are_heard_of_again(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.order(orders(a_slot()))
    planned: list[NodeDesired] = []

    def noting(desired: NodeDesired, observed: Observation) -> Plan:
        planned.append(desired)
        return plan(desired, observed)

    monkeypatch.setattr(reconciler, "plan", noting)

    async def hear_again() -> None:
        reads = node.bus.reads
        node.bus.hint()
        await node.until(lambda: node.bus.reads > reads)
        await asyncio.sleep(0.1)

    await hear_again()
    assert planned == []
    # Images change silently: they are asked for each time.
    node.engine.change_image("web:1", "newer")
    await hear_again()
    assert len(planned) == 1


async def test_a_long_stop_delays_neither_another_project_nor_its_visibility(
    node: FakeNode,
) -> None:
    node.engine.behave("web:1", Behaviour(stops_after_s=None))
    a = a_slot(project="a")
    b = a_slot(project="b", spec=a_spec("web:2"))
    await node.order(orders(a, b))
    stopping = a_slot(project="a", wanted=Wanted.STOPPED, stop_timeout_s=60)
    node.bus.put_desired(
        orders(stopping, b, a_slot("new", project="b", spec=a_spec("web:2")), generation=2)
    )

    assert await node.until(lambda: len(node.status.containers) == 3) < 1.0
    node.engine.die(node.engine.named("b_web_1").id)
    assert await node.until(lambda: any(c.fail_count for c in node.status.containers)) < 1.0
    await node.until(lambda: node.status.settled)
    assert node.engine.named("a_web_1").status == "exited"


async def test_a_kill_overtakes_a_graceful_stop(node: FakeNode) -> None:
    node.engine.behave("web:1", Behaviour(stops_after_s=None))
    await node.order(orders(a_slot()))
    node.bus.put_desired(orders(a_slot(wanted=Wanted.STOPPED, stop_timeout_s=60), generation=2))
    await asyncio.sleep(5)
    assert node.engine.named("shop_web_1").is_running

    node.bus.put_desired(
        orders(a_slot(wanted=Wanted.STOPPED, stop_signal="KILL", stop_timeout_s=60), generation=3)
    )
    assert await node.until(lambda: not node.status.containers[0].running) < 1.0


async def test_a_stop_that_is_called_off_ends_with_a_running_container(node: FakeNode) -> None:
    node.engine.behave("web:1", Behaviour(stops_after_s=5.0))
    await node.order(orders(a_slot()))
    node.bus.put_desired(orders(a_slot(wanted=Wanted.STOPPED), generation=2))
    await asyncio.sleep(1)
    node.bus.put_desired(orders(a_slot(), generation=3))

    await node.until(lambda: node.status.generation == 3 and node.status.settled)
    assert node.status.containers[0].running
    assert node.status.containers[0].fail_count == 0


async def test_a_new_spec_replaces_the_container(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    node.engine.calls.clear()
    await node.order(orders(a_slot(spec=a_spec("web:2")), generation=2))

    assert [verb for verb, _ in node.engine.calls] == ["stop", "remove", "create", "start"]
    assert node.status.containers[0].image == "web:2"


async def test_an_image_that_is_nowhere_is_a_problem_until_it_is_loaded(node: FakeNode) -> None:
    node.bus.put_desired(orders(a_slot(spec=a_spec("gone:1"))))
    await node.until(lambda: bool(node.status.problems))
    (problem,) = node.status.problems
    assert problem.code == "image_not_found"
    assert problem.definite
    assert problem.retry_at

    await asyncio.sleep(600)
    pulls = len(node.engine.called("pull"))
    assert 6 <= pulls <= 9
    node.engine.registry["gone:1"] = "sha256:1"
    assert await node.until(lambda: node.status.settled) <= 300.0
    assert node.status.problems == ()


async def test_an_image_that_is_brought_by_hand_waits_for_no_registry(node: FakeNode) -> None:
    node.engine.is_registry_away = True
    node.bus.put_desired(orders(a_slot(spec=a_spec("gone:1"))))
    await asyncio.sleep(1000)
    (problem,) = node.status.problems
    assert (problem.code, problem.definite) == ("pull_failed", True)
    assert "image gone:1 cannot be pulled and is not on node n1: " in problem.message
    node.engine.local_images["gone:1"] = "sha256:1"
    pulls = len(node.engine.called("pull"))
    assert await node.until(lambda: node.status.settled) <= 61.0
    assert node.status.problems == ()
    assert len(node.engine.called("pull")) == pulls


async def test_the_old_container_serves_while_its_new_image_is_nowhere(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    node.bus.put_desired(orders(a_slot(spec=a_spec("gone:1")), generation=2))
    await asyncio.sleep(120)

    assert node.status.containers[0].running
    assert node.status.problems[0].code == "image_not_found"
    assert node.engine.called("stop") == []


async def test_a_taken_port_concerns_only_its_slot(node: FakeNode) -> None:
    node.engine.fail("start", PortTaken("port 80 is in use on this node"))
    node.bus.put_desired(orders(a_slot(), a_slot("other")))
    await node.until(lambda: bool(node.status.problems))
    assert node.status.problems[0].code == "port_taken"

    assert await node.until(lambda: node.status.settled) < 3.0
    assert node.status.problems == ()


async def test_deletion_removes_containers_networks_and_volumes(node: FakeNode) -> None:
    spec = a_spec(
        networks=joining(),
        volumes=({"type": "volume", "source": "shop_db", "target": "/db"},),
    )
    volume = a_volume()
    await node.order(orders(a_slot(spec=spec), networks=[a_network()], volumes=[volume]))
    assert node.status.volumes == ("shop_db",)

    gone = a_slot(spec=spec, wanted=Wanted.ABSENT)
    await node.order(orders(gone, generation=2, volumes=[a_volume(wanted=Wanted.ABSENT)]))
    assert node.engine.boxes == {}
    assert node.engine.nets == {}
    assert node.engine.vols == {}


async def test_an_empty_document_removes_nothing(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    node.engine.calls.clear()
    await node.order(orders(generation=2))

    assert node.engine.calls == []
    assert node.status.containers[0].running


async def test_an_engine_that_is_away_is_reported_with_what_was_seen_last(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    node.engine.is_down = True
    node.engine.cut_events()

    assert await node.until(lambda: node.status.engine.state is EngineState.DOWN) < 1.0
    assert node.status.containers[0].running
    assert node.status.engine.reason
    node.engine.is_down = False
    assert await node.until(lambda: node.status.settled) < 3.0


@pytest.mark.parametrize("part", ["containers", "networks", "volumes", "images"])
async def test_an_engine_that_failed_in_part_is_looked_at_again_soon(
    node: FakeNode, part: str
) -> None:
    await node.order(orders(a_slot()))
    # Its facts are asked for again only when something else has failed.
    for failing in (part, "facts"):
        node.engine.fail(failing, EngineUnavailable("no file descriptor is left"))
    await node.until(lambda: node.status.engine.state is EngineState.DOWN)
    assert await node.until(lambda: node.status.engine.state is EngineState.READY) < 5.0


async def test_a_lost_event_costs_a_resync_at_most(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    node.engine._listeners.clear()
    node.engine.die(node.engine.named("shop_web_1").id)

    assert await node.until(lambda: node.engine.named("shop_web_1").is_running) <= 60.0


async def test_new_orders_alone_need_no_look_at_every_container(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    await asyncio.sleep(1)
    # A look at the containers would wait here.
    node.engine.hold("containers")
    node.bus.put_desired(orders(a_slot(), a_slot(slot=2), generation=2))
    await asyncio.sleep(1)
    assert node.engine.named("shop_web_2").is_running
    node.engine.release("containers")
    await node.until(lambda: node.status.generation == 2 and node.status.settled)


async def test_a_redeploy_sees_an_image_that_changed_silently(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    old = node.engine.named("shop_web_1").id
    node.engine.change_image("web:1", "rebuilt")
    await node.order(orders(a_slot(refresh=1), generation=2))
    assert node.engine.named("shop_web_1").id != old
