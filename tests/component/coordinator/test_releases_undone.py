"""The way back: in what order containers go and come, and what a second try begins with."""

from schemas.release import ReleaseState
from tests.component.coordinator.releasing import Shop, roll_back, rolling, update


async def test_the_way_back_has_at_most_two_batches_more_at_once() -> None:
    shop = Shop()
    await shop.start(rolling(1, order="start-first"))
    await shop.say(update(rolling(2, order="start-first")))
    await shop.until(ReleaseState.UPDATING)
    await shop.steps(6)
    assert shop.release.rollouts["web"].begun > 2
    shop.seen.clear()
    await shop.say(roll_back())
    await shop.rest()
    assert shop.record.release is None
    assert min(shop.versions()) == 6
    assert max(shop.versions()) <= 10


async def test_whoever_rolls_back_once_more_has_it_tried_anew() -> None:
    shop = Shop()
    await shop.start(rolling(1))
    await shop.say(update(rolling(2)))
    await shop.until(ReleaseState.UPDATING)
    await shop.steps(2)
    shop.sick = {"web:1"}
    await shop.say(roll_back())
    await shop.rest()
    assert shop.release.state is ReleaseState.ROLLBACK_PAUSED
    tries = shop.record.services["web"].tries
    shop.sick = set()
    await shop.say(roll_back(command_id="again"))
    # What nodes counted against the last try is forgotten with the next one.
    assert shop.record.services["web"].tries == tries + 1
    await shop.rest()
    assert shop.record.release is None
