"""What an engine does for containers on a dead share takes for ever, and is nobody else's trouble."""

import asyncio

import pytest

from schemas.desired import DesiredSlot
from schemas.service import ServiceSpec
from schemas.states import Wanted
from tests.component.agent.node import FakeNode
from tests.fakes.orders import a_mount, a_network, a_slot, a_spec, joining, orders, sharing

SPEC = sharing()


@pytest.mark.parametrize(("verb", "containers"), [("remove", 40), ("stop", 70)])
async def test_what_hangs_on_a_dead_share_holds_up_no_other_project(
    node: FakeNode, verb: str, containers: int
) -> None:
    def held(wanted: Wanted) -> list[tuple[DesiredSlot, ServiceSpec]]:
        return [a_slot(slot=n, spec=SPEC, wanted=wanted) for n in range(1, containers)]

    leaving = a_slot("old", project="free")
    await node.order(orders(*held(Wanted.RUNNING), leaving, mounts=[a_mount()]))
    node.engine.hold(verb, "shop_")
    node.bus.put_desired(orders(*held(Wanted.ABSENT), leaving, mounts=[a_mount()], generation=2))
    await asyncio.sleep(5)
    gone = a_slot("old", project="free", wanted=Wanted.ABSENT)
    new = a_slot("new", project="free", spec=a_spec(networks=joining("free_default")))
    network = a_network("free_default", "free")
    node.bus.put_desired(
        orders(
            *held(Wanted.ABSENT), gone, new, networks=[network], mounts=[a_mount()], generation=3
        )
    )
    await asyncio.sleep(5)
    assert node.engine.named("free_new_1").is_running
    assert "free_old_1" not in [seen.name for seen in node.engine.boxes.values()]
    node.engine.release(verb)
    await node.until(lambda: node.status.settled)
