"""How long a release waits: what begins its clocks, and what doesn't begin them anew."""

import asyncio

import pytest

from coordinator.releases.sensing import ROUTERS_LOOK_S, Batch, Seen, sense
from schemas.release import ReleaseState, Rollout
from tests.component.coordinator.releasing import (
    NODES,
    STEP_S,
    STEPS_MAX,
    Shop,
    confirm,
    rolling,
    update,
)
from tests.component.coordinator.world import creation

_OTHER = "services: {app: {image: 'app:1', deploy: {replicas: 2}}}"
MONITOR_S = 5.0


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
async def test_other_documents_of_its_nodes_hold_up_no_update(order: str) -> None:
    shop = Shop()
    await shop.start(rolling(1, order=order))
    await shop.say(update(rolling(2, order=order)))
    for number in range(STEPS_MAX):
        await shop.say(creation(f"other-{number}", f"other-{number}", template=_OTHER))
        await shop.step()
        if shop.record.release is None:
            break
    assert shop.record.version == "2.0"


async def test_the_last_old_ones_going_begins_no_monitor_anew() -> None:
    template = rolling(2, order="start-first").replace("monitor: 1s", f"monitor: {MONITOR_S:g}s")
    shop = Shop()
    await shop.start(rolling(1, order="start-first"))
    await shop.say(update(template))
    up_at = None
    while shop.record.release is not None:
        await shop.step()
        release = shop.record.release
        if up_at is None and release and release.rollouts["web"] == Rollout(begun=6, replaced=6):
            # The last new ones have just been seen to be up.
            up_at = _now() - STEP_S
    assert up_at is not None
    assert MONITOR_S <= _now() - STEP_S - up_at <= MONITOR_S + STEP_S


async def test_one_that_is_gone_while_it_is_watched_begins_it_anew() -> None:
    template = rolling(2).replace("monitor: 1s", f"monitor: {MONITOR_S:g}s")
    shop = Shop()
    await shop.start(rolling(1))
    await shop.say(update(template))
    while shop.release.rollouts["web"].begun < 6:
        await shop.step()
    await shop.steps(2)
    for index in NODES:
        shop.world.hear(index)  # Without any container.
    await shop.world.do_pass()
    well_at = _now()
    while shop.record.release is not None:
        await shop.step()
    assert shop.record.last_release
    assert shop.record.last_release.outcome is ReleaseState.COMPLETED
    assert _now() - STEP_S - well_at >= MONITOR_S


async def test_routers_are_looked_at_while_a_confirmed_release_waits_for_them() -> None:
    shop = Shop()
    await shop.start(rolling(1))
    await shop.say(update(rolling(2), update_method="blue-green"))
    await shop.until(ReleaseState.AWAITING_CONFIRMATION)
    await shop.say(confirm())
    seen = Seen(batches={"web": Batch(total=6, up_for_s=1.0)}, is_routed=False)
    found = sense(shop.record, shop.release, seen)
    assert (found.signal, found.look_in_s) == (None, ROUTERS_LOOK_S)


async def test_nothing_goes_on_while_too_few_nodes_are_seen_to_judge() -> None:
    shop = Shop()
    await shop.start(rolling(1))
    await shop.say(update(rolling(2)))
    await shop.until(ReleaseState.UPDATING)
    before = shop.release.rollouts
    for _ in range(5):
        # The link to the bus is not settled, so who is missed may only not be heard.
        await shop.world.loop.do_pass(shop.world.epoch, None)
        await shop.obey()
        await asyncio.sleep(STEP_S)
    assert shop.release.rollouts == before
    await shop.rest()
    assert shop.record.version == "2.0"


def _now() -> float:
    return asyncio.get_running_loop().time()
