"""What has only just started proves nothing, and what has ended before proves it later."""

import asyncio

import pytest

from coordinator.releases.sensing import PROOF_S, STEADY_S
from schemas.current import SlotProblem
from schemas.release import ReleaseState
from schemas.reply import Progress
from tests.builders import a_container, a_problem
from tests.component.coordinator.releasing import STEP_S, Shop, confirm, update
from tests.component.coordinator.world import World, creation, eventually

_PLAIN = "services: {{web: {{image: 'web:{image}'}}}}"
OLD, NEW = "web:1", "web:2"
STEADY_STEPS = int(STEADY_S / STEP_S) + 2


async def _updated(**fields: str) -> Shop:
    shop = Shop()
    await shop.start(_PLAIN.format(image=1))
    await shop.say(update(_PLAIN.format(image=2), **fields))
    return shop


async def _crash_and_come_back(shop: Shop, steps: int) -> None:
    """Its containers run at every look but a few."""
    for number in range(steps):
        is_up = number % 5 != 4
        shop.sick, shop.unsteady = (set(), {NEW}) if is_up else ({NEW}, set())
        await shop.step()


@pytest.mark.parametrize("kind", ["standard", "blue-green"])
async def test_an_update_is_not_done_with_what_keeps_ending(kind: str) -> None:
    shop = await _updated(update_method=kind)
    await _crash_and_come_back(shop, 3 * STEADY_STEPS)
    assert shop.release.state is ReleaseState.UPDATING


async def test_a_version_that_ended_once_awaits_its_confirmation_when_it_has_run_for_a_while() -> (
    None
):
    shop = await _updated(update_method="blue-green")
    shop.unsteady = {NEW}
    await shop.steps(3)
    early = shop.release.state
    await shop.steps(STEADY_STEPS)
    late = shop.release.state
    assert (early, late) == (ReleaseState.UPDATING, ReleaseState.AWAITING_CONFIRMATION)


async def test_a_confirmation_takes_nothing_away_while_the_next_version_keeps_ending() -> None:
    shop = await _updated(update_method="blue-green")
    await shop.until(ReleaseState.AWAITING_CONFIRMATION)
    await _crash_and_come_back(shop, 2)
    await shop.say(confirm())
    await _crash_and_come_back(shop, 2 * STEADY_STEPS)
    assert shop.release.state is ReleaseState.CONFIRMING
    assert len([name for name in shop.healthy() if name == "shop_web_1"]) == 1
    shop.sick, shop.unsteady = set(), set()
    await shop.rest()
    assert shop.record.version == "2.0"


async def test_what_crashes_as_it_starts_was_not_done(live: World) -> None:
    said = asyncio.create_task(live.intake.submit(creation(wait=STEADY_S / 2)))
    await eventually(lambda: bool(live.document(1)))
    live.obey()
    await asyncio.sleep(PROOF_S / 2)
    document = live.document(1)
    assert document is not None
    entry = document.slots[0]
    gone = a_container("web.1", fingerprint=entry.spec, status="exited", fail_count=1)
    live.hear(1, gone, problems=[_crashed()])
    await asyncio.sleep(PROOF_S)
    assert not said.done()
    live.obey()
    assert (await said).progress is Progress.DONE


def _crashed() -> SlotProblem:
    return a_problem(
        code="crashed", message="container shop_web_1 exited with code 9", definite=False
    )
