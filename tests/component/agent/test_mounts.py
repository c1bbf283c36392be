"""The whole agent over fakes: what becomes of containers when their shared volumes come and go."""

import asyncio

from schemas.desired import NodeDesired
from schemas.event import EventKind
from schemas.states import MountState, Wanted
from tests.component.agent.node import FakeNode
from tests.fakes.orders import a_mount, a_slot, a_spec, orders, sharing
from tests.fakes.script import Behaviour

SPEC = sharing()


def on_photos(generation: int = 1, **fields: object) -> NodeDesired:
    mount = a_mount(**fields)  # type: ignore[arg-type]
    return orders(a_slot(spec=SPEC), a_slot("other"), mounts=[mount], generation=generation)


async def test_a_volume_is_mounted_before_its_container_starts(node: FakeNode) -> None:
    node.mounts.is_slow = True
    node.bus.put_desired(on_photos())
    await node.until(lambda: bool(node.status.problems) and len(node.status.containers) == 1)
    await asyncio.sleep(60)
    assert [c.service for c in node.status.containers] == ["other"]
    (problem,) = node.status.problems
    assert (problem.service, problem.code) == ("web", "volume_missing")
    assert not node.status.settled
    assert [m.state for m in node.status.mounts] == [MountState.MOUNTING]

    node.mounts.turn("photos", MountState.MOUNTED, incarnation="i1")
    assert await node.until(lambda: node.status.settled) < 1.0
    assert node.engine.named("shop_web_1").mounts == {"nas/photos": "i1"}
    assert node.status.problems == ()
    assert EventKind.MOUNT_OK in [event.kind for event in node.bus.events]


async def test_a_container_gets_a_directory_of_a_volume_where_mountd_holds_it(
    node: FakeNode,
) -> None:
    app = sharing(sub_path="app")
    await node.order(orders(a_slot(spec=app), mounts=[a_mount()]))
    assert node.engine.named("shop_web_1").mounts == {
        "nas/photos": "i1",
        "nas/photos/app": ".sub/1",
    }
    # Another directory of that name stops nobody, but the next start is on it.
    before = node.engine.named("shop_web_1").id
    node.mounts.hold("photos", place="2")
    await asyncio.sleep(60)
    assert node.engine.named("shop_web_1").id == before
    node.engine.die(before)
    await node.until(lambda: node.status.settled and node.engine.named("shop_web_1").id != before)
    assert node.engine.named("shop_web_1").mounts["nas/photos/app"] == ".sub/2"


async def test_the_agent_asks_nobody_before_there_is_a_volume(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    await asyncio.sleep(120)
    assert node.mounts.asked == 0
    assert node.status.mounts == ()


async def test_a_quiet_mountd_is_asked_at_leisure(node: FakeNode) -> None:
    await node.order(on_photos())
    node.mounts.asked = 0
    statuses = len(node.bus.statuses)
    await asyncio.sleep(20)
    assert node.mounts.asked <= 3
    assert len(node.bus.statuses) - statuses <= 1


async def test_a_stuck_volume_is_reported_at_once_and_its_container_waits(node: FakeNode) -> None:
    await node.order(on_photos())
    before = dict(node.engine.boxes)
    node.mounts.turn("photos", MountState.STUCK, reason="no answer")
    assert await node.until(lambda: bool(node.status.problems)) < 1.0
    assert node.status.problems[0].code == "volume_stuck"
    await asyncio.sleep(300)
    assert node.engine.boxes == before

    node.mounts.turn("photos", MountState.MOUNTED, reason="")
    assert await node.until(lambda: node.status.problems == ()) < 1.0
    assert node.engine.boxes == before
    told = [event.kind for event in node.bus.events if event.kind.startswith("mount_")]
    assert told == [EventKind.MOUNT_OK, EventKind.MOUNT_STUCK, EventKind.MOUNT_OK]


async def test_a_policy_stops_the_container_until_the_volume_answers(node: FakeNode) -> None:
    await node.order(on_photos(when_stuck="stop"))
    node.mounts.turn("photos", MountState.STUCK)
    assert await node.until(lambda: not node.engine.named("shop_web_1").is_running) < 1.0
    await asyncio.sleep(300)
    assert not node.engine.named("shop_web_1").is_running
    assert node.engine.called("stop") == ["shop_web_1"]

    node.mounts.turn("photos", MountState.MOUNTED)
    assert await node.until(lambda: node.status.settled) < 1.0
    assert node.engine.named("shop_web_1").is_running
    assert [c.fail_count for c in node.status.containers] == [0, 0]


async def test_a_stop_that_hangs_on_a_dead_volume_holds_up_nobody(node: FakeNode) -> None:
    await node.order(on_photos(when_stuck="stop"))
    node.engine.hold("stop")
    node.mounts.turn("photos", MountState.STUCK)
    await asyncio.sleep(1)
    node.engine.die(node.engine.named("shop_other_1").id)
    assert await node.until(lambda: node.engine.named("shop_other_1").is_running) < 2.0
    node.engine.release("stop")


async def test_starts_that_hang_on_a_dead_volume_hold_up_nobody(node: FakeNode) -> None:
    gate = node.engine.hold("start")
    many = [a_slot(slot=number, spec=SPEC) for number in range(1, 40)]
    node.bus.put_desired(orders(*many, mounts=[a_mount()]))
    await gate.reached.wait()
    # Whoever waits at the gate goes on waiting there, and that is as many as may.
    await asyncio.sleep(1)
    del node.engine._gates["start"]
    node.bus.put_desired(orders(*many, a_slot("other"), mounts=[a_mount()], generation=2))
    took_s = await node.until(
        lambda: any(c.service == "other" and c.running for c in node.status.containers)
    )
    assert took_s < 2.0
    gate.opened.set()


async def test_a_volume_mounted_anew_gets_new_containers(node: FakeNode) -> None:
    await node.order(on_photos())
    old, other = node.engine.named("shop_web_1").id, node.engine.named("shop_other_1").id
    node.mounts.turn("photos", MountState.FAILED, reason="its process has died")
    await node.until(lambda: bool(node.status.problems))
    await asyncio.sleep(5)
    assert node.engine.named("shop_web_1").id == old

    node.mounts.turn("photos", MountState.MOUNTED, incarnation="i2", reason="")
    took_s = await node.until(
        lambda: node.status.settled and old not in {c.id for c in node.status.containers}
    )
    assert took_s < 1.0
    assert node.engine.named("shop_web_1").mounts == {"nas/photos": "i2"}
    assert node.engine.named("shop_other_1").id == other


async def test_a_mount_that_is_lost_during_a_pull_keeps_the_container_from_starting(
    node: FakeNode,
) -> None:
    spec = sharing(image="new:1")
    node.engine.registry["new:1"] = "sha256:new"
    gate = node.engine.hold("pull")
    node.bus.put_desired(orders(a_slot(spec=spec), mounts=[a_mount()]))
    await gate.reached.wait()
    node.mounts.turn("photos", MountState.FAILED, incarnation="")
    await asyncio.sleep(1)
    node.engine.release("pull")
    await asyncio.sleep(60)
    assert node.engine.boxes == {}
    assert node.status.problems[0].code == "volume_failed"

    node.mounts.turn("photos", MountState.MOUNTED, incarnation="i2")
    assert await node.until(lambda: node.status.settled) < 1.0
    assert node.engine.named("shop_web_1").mounts == {"nas/photos": "i2"}


async def test_while_mountd_is_away_nothing_starts_and_nothing_stops(node: FakeNode) -> None:
    await node.order(on_photos(when_stuck="stop"))
    web = node.engine.named("shop_web_1").id
    node.mounts.go_away()
    await node.until(lambda: node.status.mounts[0].reason != "")
    (mount,) = node.status.mounts
    assert (mount.state, mount.reason) == (MountState.MOUNTED, "mountd does not answer")
    assert not node.status.problems
    await asyncio.sleep(60)
    assert node.engine.called("stop") == []

    node.engine.die(web)
    node.engine.die(node.engine.named("shop_other_1").id)
    await node.until(lambda: node.engine.named("shop_other_1").is_running)
    await asyncio.sleep(60)
    assert not node.engine.boxes[web].is_running
    assert node.status.problems[0].code == "volume_missing"

    node.mounts.come_back()
    assert await node.until(lambda: node.status.settled) < 2.0
    assert node.engine.boxes[web].is_running
    assert node.status.mounts[0].reason == ""
    assert EventKind.MOUNT_REMOVED not in [event.kind for event in node.bus.events]


async def test_an_agent_that_restarts_while_mountd_is_away_touches_nothing() -> None:
    async with FakeNode() as first:
        await first.order(on_photos())
    first.engine.calls.clear()
    async with FakeNode(first.ledger, first.engine) as second:
        second.mounts.is_away = True
        second.bus.document = first.bus.document
        await second.until(lambda: bool(second.status.mounts))
        await asyncio.sleep(120)
        assert first.engine.calls == []
        assert second.status.mounts[0].reason == "mountd does not answer"


async def test_an_agent_that_restarts_knows_its_mounts_from_its_first_word_on() -> None:
    async with FakeNode() as first:
        await first.order(on_photos())
    first.engine.calls.clear()
    async with FakeNode(first.ledger, first.engine) as second:
        second.bus.document = first.bus.document
        await asyncio.sleep(60)
        assert [m.state for m in second.bus.statuses[0].mounts] == [MountState.MOUNTED]
        assert first.engine.calls == []


async def test_a_mountd_that_hangs_delays_orders_once_and_shortly(node: FakeNode) -> None:
    node.mounts.is_hung = True
    node.bus.put_desired(on_photos())
    assert await node.until(lambda: len(node.status.containers) == 1) < 2.0
    assert node.status.problems[0].code == "volume_missing"
    node.bus.put_desired(orders(a_slot(), a_slot("other"), generation=2))
    assert await node.until(lambda: node.status.settled) < 1.0


async def test_new_orders_do_not_wait_for_news(node: FakeNode) -> None:
    await node.order(on_photos())
    await asyncio.sleep(1)
    two = orders(
        a_slot(spec=SPEC),
        a_slot("music", spec=sharing("music")),
        mounts=[a_mount(), a_mount("music")],
        generation=2,
    )
    node.bus.put_desired(two)
    assert await node.until(lambda: len(node.status.mounts) == 2 and node.status.settled) < 1.0
    node.bus.put_desired(
        orders(
            a_slot("music", spec=sharing("music"), wanted=Wanted.ABSENT),
            mounts=[a_mount(), a_mount("music", wanted=Wanted.ABSENT)],
            generation=3,
        )
    )
    assert await node.until(lambda: len(node.status.mounts) == 1 and node.status.settled) < 1.0
    assert EventKind.MOUNT_REMOVED in [event.kind for event in node.bus.events]


async def test_a_crash_loop_on_a_stuck_volume_ends_with_the_first_crash(node: FakeNode) -> None:
    await node.order(on_photos())
    node.engine.behave("web:1", Behaviour(exits_with=1))
    node.mounts.turn("photos", MountState.STUCK)
    await node.until(lambda: bool(node.status.problems))
    node.engine.calls.clear()
    node.engine.die(node.engine.named("shop_web_1").id)
    await asyncio.sleep(60)
    assert "shop_web_1" not in node.engine.called("start")


async def test_mounts_are_counted_by_state(node: FakeNode) -> None:
    await node.order(on_photos())
    assert b'troopers_agent_mounts{state="mounted"} 1.0' in node.agent.render_metrics()
    node.mounts.turn("photos", MountState.STUCK)
    await node.until(lambda: bool(node.status.problems))
    assert b'troopers_agent_mounts{state="stuck"} 1.0' in node.agent.render_metrics()


async def test_probes_that_hang_on_a_dead_volume_delay_no_other(node: FakeNode) -> None:
    node.probe.hung.add("web:2")
    probe = {"cmd": "check", "initial_delay_s": 0.0, "timeout_s": 20.0}
    hanging = sharing(image="web:2", probe=probe)
    many = [a_slot(slot=number, spec=hanging) for number in range(1, 41)]
    other = a_slot("other", spec=a_spec(probe=probe))
    node.bus.put_desired(orders(*many, mounts=[a_mount()]))
    await node.until(lambda: len(node.probe.checks) >= 16)
    node.bus.put_desired(orders(*many, other, mounts=[a_mount()], generation=2))
    took_s = await node.until(
        lambda: any(c.service == "other" and c.health == "success" for c in node.status.containers)
    )
    assert took_s < 3.0
