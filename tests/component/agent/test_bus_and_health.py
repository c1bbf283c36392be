"""Orders that come late, twice or from the wrong coordinator; probes; requests; readiness."""

import asyncio
import json

import pytest

from schemas.codec import decode, encode
from schemas.node_requests import SignalReply
from schemas.states import Health, Wanted
from tests.component.agent.node import FakeNode
from tests.fakes.clock import wall_clock
from tests.fakes.ledger import FakeLedger
from tests.fakes.orders import a_slot, a_spec, orders

PROBED = a_spec(probe={"cmd": "check", "initial_delay_s": 5.0})


async def test_with_the_bus_gone_containers_are_kept_healthy_by_the_held_orders() -> None:
    held = orders(a_slot(), generation=4)
    async with FakeNode(FakeLedger(held)) as node:
        node.bus.is_down = True
        await asyncio.sleep(5)
        assert node.engine.named("shop_web_1").is_running
        node.engine.die(node.engine.named("shop_web_1").id)
        await asyncio.sleep(5)
        assert node.engine.named("shop_web_1").is_running
        assert "NATS" in node.agent.why_not_ready()[0]


async def test_a_restarted_agent_touches_no_container() -> None:
    async with FakeNode() as first:
        await first.order(orders(a_slot(), a_slot(slot=2)))
    before = dict(first.engine.boxes)
    first.engine.calls.clear()
    async with FakeNode(first.ledger, first.engine) as second:
        second.bus.document = first.bus.document
        took_s = await second.until(lambda: second.status.settled)
        assert took_s < 3.0
        await asyncio.sleep(120)
    assert first.engine.calls == []
    assert first.engine.boxes == before


async def test_older_orders_are_refused(node: FakeNode) -> None:
    await node.order(orders(a_slot(), epoch=5, generation=9))
    for stale in (
        orders(a_slot(wanted=Wanted.ABSENT), epoch=4, generation=20),
        orders(a_slot(wanted=Wanted.ABSENT), epoch=5, generation=8),
        orders(a_slot(wanted=Wanted.ABSENT), epoch=5, generation=9),
    ):
        node.bus.put_desired(stale)
        await asyncio.sleep(1)
        assert node.engine.named("shop_web_1").is_running
    assert (node.status.epoch, node.status.generation) == (5, 9)


async def test_a_refusal_is_shown_until_orders_are_taken_again(node: FakeNode) -> None:
    await node.order(orders(a_slot(), epoch=5, generation=9))
    node.bus.put_desired(orders(a_slot(), epoch=4, generation=20))
    await node.until(lambda: node.status.refusal == "epoch 4 is older than 5")
    assert node.agent.why_not_ready() == ["the newest orders are refused: epoch 4 is older than 5"]
    assert b"troopers_agent_orders_refused 1.0" in node.agent.render_metrics()
    await node.order(orders(a_slot(), epoch=6, generation=1))
    assert node.status.refusal == ""
    assert node.agent.why_not_ready() == []
    assert b"troopers_agent_orders_refused 0.0" in node.agent.render_metrics()


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"{not json", "it is no desired document"),
        (b'{"node": "n1", "epoch": -1, "generation": 1}', "it is no desired document: epoch"),
        (encode(orders().model_copy(update={"node": "n2"})), "is for node n2, this is n1"),
    ],
)
async def test_what_can_not_be_orders_is_refused_once_and_not_read_over_and_over(
    node: FakeNode, payload: bytes, why: str
) -> None:
    await node.order(orders(a_slot()))
    reads = node.bus.reads
    node.bus.put_raw(payload)
    await node.until(lambda: why in node.status.refusal)
    await asyncio.sleep(20)
    assert node.bus.reads <= reads + 3
    assert node.engine.named("shop_web_1").is_running
    await node.order(orders(a_slot(), generation=2))
    assert node.status.refusal == ""


async def test_a_wiped_bus_stops_nothing(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    node.bus.document = None
    node.bus.hint()
    await asyncio.sleep(200)
    assert node.engine.named("shop_web_1").is_running


async def test_a_slow_disk_stops_no_heartbeat(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    node.ledger.takes_s = 12.0
    node.bus.put_desired(orders(a_slot(), a_slot(slot=2), generation=2))
    before = len(node.bus.heartbeats)
    await asyncio.sleep(11)
    assert node.status.generation == 1
    assert len(node.bus.heartbeats) - before >= 5
    await node.until(lambda: node.status.generation == 2)


async def test_a_full_disk_is_said_and_the_orders_are_kept_as_soon_as_there_is_room(
    node: FakeNode,
) -> None:
    node.ledger.is_full = True
    await node.order(orders(a_slot()))
    assert node.agent.why_not_ready() == ["orders can't be kept on disk: no space left"]
    assert "troopers_agent_orders_on_disk 0.0" in node.agent.render_metrics().decode()

    node.ledger.is_full = False
    assert await node.until(lambda: node.ledger.document is not None) <= 61.0
    assert node.agent.why_not_ready() == []
    assert "troopers_agent_orders_on_disk 1.0" in node.agent.render_metrics().decode()


async def test_a_lost_hint_costs_a_resync_at_most(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    node.bus.document = orders(a_slot(), a_slot(slot=2), generation=2)
    assert await node.until(lambda: len(node.status.containers) == 2) <= 61.0


async def test_orders_that_a_mute_broker_kept_back_are_read_as_soon_as_it_answers(
    node: FakeNode,
) -> None:
    await node.order(orders(a_slot()))
    node.bus.is_mute = True
    node.bus.put_desired(orders(a_slot(), a_slot(slot=2), generation=2))
    await asyncio.sleep(8)
    node.bus.is_mute = False
    assert await node.until(lambda: len(node.status.containers) == 2) <= 3.0


async def test_an_idle_node_looks_only_now_and_then(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    await asyncio.sleep(100)
    reads, statuses = node.bus.reads, len(node.bus.statuses)
    await asyncio.sleep(600)
    assert node.bus.reads - reads <= 20
    assert len(node.bus.statuses) - statuses <= 20


async def test_a_probe_decides_health_and_restarts_nothing(node: FakeNode) -> None:
    node.bus.put_desired(orders(a_slot(spec=PROBED)))
    await node.until(lambda: bool(node.status.containers) and node.status.containers[0].running)
    assert node.status.containers[0].health is Health.STARTING
    took_s = await node.until(lambda: node.status.containers[0].health is Health.SUCCESS)
    assert 4.0 < took_s < 6.0

    node.probe.results["shop_web_1"] = False
    assert await node.until(lambda: node.status.containers[0].health is Health.FAILURE) < 3.0
    node.engine.calls.clear()
    await asyncio.sleep(60)
    assert node.engine.calls == []


async def test_only_containers_that_run_are_probed(node: FakeNode) -> None:
    await node.order(orders(a_slot(spec=PROBED)))
    await asyncio.sleep(20)
    assert node.probe.checks
    await node.order(orders(a_slot(spec=PROBED, wanted=Wanted.STOPPED), generation=2))
    checks = len(node.probe.checks)
    await asyncio.sleep(20)
    assert len(node.probe.checks) == checks
    assert node.status.containers[0].health is Health.NONE


async def test_bad_health_by_healthcheck_restarts(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    seen = node.engine.named("shop_web_1")
    node.engine.calls.clear()
    node.engine.show_health(seen.id, Health.FAILURE)
    await node.until(lambda: node.engine.named("shop_web_1").started_at != seen.started_at)
    assert [verb for verb, _ in node.engine.calls] == ["stop", "start"]
    await node.until(lambda: node.status.settled)
    assert node.status.containers[0].fail_count == 1


async def hang_up(node: FakeNode, *ids: str, **changes: object) -> str:
    """Ask for a signal, as the coordinator of epoch 1 does. Returns what went wrong."""
    plain = {"containers": ids, "signal": "HUP", "epoch": 1, "deadline": wall_clock() + 10}
    answer = await node.bus.request("signal", json.dumps(plain | changes).encode())
    return decode(SignalReply, answer).error


async def test_a_signal_reaches_our_containers_only(node: FakeNode) -> None:
    await node.order(orders(a_slot()))
    seen = node.engine.named("shop_web_1")
    assert await hang_up(node, seen.id) == ""
    assert node.engine.called("kill") == ["shop_web_1 HUP"]
    assert "no such container" in await hang_up(node, "0" * 64)
    assert "signal" in await hang_up(node, seen.id, signal="; rm")
    assert node.engine.called("kill") == ["shop_web_1 HUP"]


async def test_a_signal_that_comes_late_or_from_a_former_coordinator_is_refused(
    node: FakeNode,
) -> None:
    await node.order(orders(a_slot(), epoch=3))
    seen = node.engine.named("shop_web_1")
    assert "no longer active" in await hang_up(node, seen.id, epoch=2)
    assert "deadline" in await hang_up(node, seen.id, epoch=3, deadline=wall_clock() - 1)
    assert node.engine.called("kill") == []
    assert await hang_up(node, seen.id, epoch=3) == ""


async def test_metrics_tell_what_the_status_says(node: FakeNode) -> None:
    await node.order(orders(a_slot(), generation=7))
    text = node.agent.render_metrics().decode()
    assert 'troopers_agent_containers{status="running"} 1.0' in text
    assert "troopers_agent_desired_generation 7.0" in text
    assert "troopers_agent_engine_ready 1.0" in text
    assert node.agent.why_not_ready() == []
