"""The whole agent over fakes: a registry with newer images, and one that is away."""

import asyncio

import pytest

from agent.errors import PullFailed
from schemas.desired import NodeDesired, PullPolicy
from schemas.event import EventKind
from tests.component.agent.node import FakeNode
from tests.fakes.orders import a_slot, orders

ALWAYS, NEWER = PullPolicy.ALWAYS, PullPolicy.NEWER
AWAY = PullFailed("pull web:1: connection refused")


def release(version: str, node: FakeNode) -> str:
    """Push `web:1` anew."""
    node.engine.registry["web:1"] = f"sha256:{version}"
    return node.engine.registry["web:1"]


def ordered(refresh: int, pull: PullPolicy, *, slots: int = 2) -> NodeDesired:
    wanted = [a_slot(slot=n + 1, refresh=refresh, pull=pull) for n in range(slots)]
    return orders(*wanted, generation=10 * refresh + slots)


def images(node: FakeNode) -> set[str]:
    return {seen.image_id for seen in node.engine.boxes.values()}


async def test_the_slots_of_an_order_share_one_pull_and_run_what_it_brought(node: FakeNode) -> None:
    first = release("v1", node)
    await node.order(ordered(0, ALWAYS))
    assert (node.engine.called("pull"), images(node)) == (["web:1"], {first})
    second = release("v2", node)
    await node.order(ordered(1, ALWAYS))
    assert (node.engine.called("pull"), images(node)) == (["web:1"] * 2, {second})


async def test_repairs_and_more_containers_ask_no_registry(node: FakeNode) -> None:
    first = release("v1", node)
    await node.order(ordered(0, ALWAYS))
    release("v2", node)
    node.engine.vanish(node.engine.named("shop_web_1").id)
    node.engine.die(node.engine.named("shop_web_2").id)
    await node.until(lambda: len([c for c in node.status.containers if c.running]) == 2)
    await node.order(ordered(0, ALWAYS, slots=3))
    assert (node.engine.called("pull"), images(node)) == (["web:1"], {first})


async def test_with_the_registry_away_the_old_containers_go_on_until_it_is_back(
    node: FakeNode,
) -> None:
    release("v1", node)
    await node.order(ordered(0, ALWAYS))
    old = set(node.engine.boxes)
    second = release("v2", node)
    node.engine.fail("pull", AWAY, times=3)
    node.bus.put_desired(ordered(1, ALWAYS))
    await node.until(lambda: len(node.status.problems) == 2)
    assert not node.status.settled
    assert "cannot be pulled to node n1" in node.status.problems[0].message

    node.engine.die(node.engine.named("shop_web_1").id)
    assert await node.until(lambda: node.engine.named("shop_web_1").is_running) < 0.5
    assert set(node.engine.boxes) == old

    await node.until(lambda: node.status.settled)
    assert (images(node), node.status.problems) == ({second}, ())


async def test_an_ordinary_redeploy_needs_no_registry(node: FakeNode) -> None:
    await node.order(ordered(0, PullPolicy.MISSING))
    node.engine.change_image("web:1", "loaded by hand")
    await node.order(ordered(1, NEWER))
    assert node.status.problems == ()
    told = [event.message for event in node.bus.events if event.kind is EventKind.NODE_NOTE]
    assert len(told) == 2
    assert told[0].startswith("shop_web_1 runs the image that the node has: ")
    assert images(node) == {node.engine.local_images["web:1"]}
    assert node.engine.called("pull") == ["web:1"]
    await asyncio.sleep(3600)
    assert node.engine.called("pull") == ["web:1"]


@pytest.mark.parametrize("pull", [ALWAYS, NEWER])
async def test_an_agent_restart_changes_no_container_that_carries_the_order(
    pull: PullPolicy,
) -> None:
    async with FakeNode() as first:
        release("v1", first)
        await first.order(ordered(1, pull))
        engine, ledger, before = first.engine, first.ledger, set(first.engine.boxes)
    async with FakeNode(ledger, engine) as second:
        release("v2", second)
        await second.order(ordered(1, pull))
        assert set(engine.boxes) == before
        assert engine.called("pull") == ["web:1"]


@pytest.mark.parametrize("pull", [ALWAYS, NEWER, PullPolicy.NEVER])
async def test_an_image_that_moves_after_a_redeploy_replaces_no_container_that_it_kept(
    pull: PullPolicy,
) -> None:
    async with FakeNode() as first:
        release("v1", first)
        await first.order(ordered(0, pull))
        await first.order(ordered(1, pull))
        assert len(first.engine.called("create")) == 2
        engine, ledger, before = first.engine, first.ledger, set(first.engine.boxes)
        release("v2", first)
        engine.change_image("web:1", "tagged by hand")
        await asyncio.sleep(3600)
        assert set(engine.boxes) == before
        pulls = engine.called("pull")
    async with FakeNode(ledger, engine) as second:
        await second.order(ordered(1, pull))
        await asyncio.sleep(3600)
        assert set(engine.boxes) == before
        assert engine.called("pull") == pulls
