"""The whole agent over fakes: images are had ahead, and whoever runs doesn't notice."""

import asyncio

import pytest

from agent.errors import PullFailed
from schemas.desired import NodeDesired, PullPolicy
from schemas.states import Wanted
from tests.component.agent.node import FakeNode
from tests.fakes.orders import a_preparation, a_slot, a_spec, orders

NEXT = a_spec("next:1")
AWAY = PullFailed("pull next:1: connection refused")


def release(version: str, node: FakeNode) -> str:
    """Push `next:1` anew."""
    node.engine.registry["next:1"] = f"sha256:{version}"
    return node.engine.registry["next:1"]


def preparing(pull: PullPolicy, generation: int = 1) -> NodeDesired:
    """One set runs, the next one waits for its turn."""
    held = a_slot(
        spec=NEXT, wanted=Wanted.STOPPED, set_name="r7", prepares=a_preparation(pull=pull)
    )
    return orders(a_slot(), held, generation=generation)


def switched(pull: PullPolicy) -> NodeDesired:
    return orders(a_slot(), a_slot(spec=NEXT, set_name="r7", pull=pull), generation=2)


def ready(node: FakeNode) -> list[str]:
    return [each.image_id for each in node.status.preparations]


@pytest.mark.parametrize("pull", [PullPolicy.MISSING, PullPolicy.NEWER, PullPolicy.ALWAYS])
async def test_the_next_set_runs_what_was_prepared_though_the_registry_has_moved(
    node: FakeNode, pull: PullPolicy
) -> None:
    first = release("v1", node)
    await node.order(preparing(pull))
    await node.until(lambda: ready(node) == [first])
    assert len(node.engine.boxes) == 1
    release("v2", node)
    await node.order(switched(pull))
    assert node.engine.named("shop_web_1_r7").image_id == first
    assert node.engine.called("pull") == ["next:1"]
    assert node.status.preparations == ()


async def test_what_was_prepared_is_remembered_by_the_next_agent() -> None:
    async with FakeNode() as before:
        first = release("v1", before)
        await before.order(preparing(PullPolicy.ALWAYS))
        await before.until(lambda: ready(before) == [first])
        engine, ledger = before.engine, before.ledger
    async with FakeNode(ledger, engine) as after:
        await after.order(preparing(PullPolicy.ALWAYS))
        await after.until(lambda: ready(after) == [first])
        await after.order(switched(PullPolicy.ALWAYS))
        assert engine.called("pull") == ["next:1"]


async def test_a_preparation_that_fails_is_told_and_disturbs_nobody(node: FakeNode) -> None:
    release("v1", node)
    node.engine.fail("pull", AWAY, times=2)
    await node.order(preparing(PullPolicy.MISSING))
    ours = node.engine.named("shop_web_1").id
    await node.until(lambda: node.status.preparations[0].definite)
    assert "cannot be pulled and is not on node n1" in node.status.preparations[0].message
    assert node.status.problems == ()
    assert node.status.settled
    node.engine.die(ours)
    assert await node.until(lambda: node.engine.boxes[ours].is_running) < 1
    await node.until(lambda: ready(node) == ["sha256:v1"])
    assert node.status.preparations[0].message == ""


async def test_slots_don_t_wait_for_the_images_of_preparations(node: FakeNode) -> None:
    for service in "abc":
        node.engine.registry[f"{service}:2"] = "sha256:slow"
    node.engine.registry["fast:1"] = "sha256:fast"
    slow = [a_spec(f"{service}:2") for service in "abc"]
    slots = [a_slot(spec.image[0], prepares=a_preparation(spec)) for spec in slow]
    gate = node.engine.hold("pull")
    node.bus.put_desired(orders(*slots, ahead=slow))
    await node.until(lambda: len(node.engine.called("pull")) == 2)
    # Those that wait go on waiting; later ones pass.
    node.engine.hold("pull", "none")
    fast = a_slot("fast", spec=a_spec("fast:1"))
    node.bus.put_desired(orders(*slots, fast, ahead=slow, generation=2))
    await node.until(lambda: any(c.service == "fast" and c.running for c in node.status.containers))
    assert "sha256:slow" not in ready(node)
    gate.opened.set()
    await node.until(lambda: ready(node) == ["sha256:slow"] * 3)


async def test_a_slot_that_needs_the_image_meanwhile_joins_its_pull(node: FakeNode) -> None:
    first = release("v1", node)
    node.engine.hold("pull")
    await node.order(preparing(PullPolicy.MISSING))
    node.bus.put_desired(switched(PullPolicy.MISSING))
    await node.until(lambda: node.status.generation == 2)
    await asyncio.sleep(60)
    assert not node.status.settled
    node.engine.release("pull")
    await node.until(lambda: node.status.settled)
    assert node.engine.called("pull") == ["next:1"]
    assert node.engine.named("shop_web_1_r7").image_id == first
