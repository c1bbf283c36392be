"""A coordinator that dies in any state of any release, at any moment: the next one ends it."""

import contextlib

import pytest

from coordinator.errors import BusUnavailable
from schemas.release import ReleaseState
from tests.component.coordinator.release_paths import Driven, Moment, Way, everywhere
from tests.component.coordinator.releasing import roll_back


@everywhere
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name)
async def test_the_next_coordinator_goes_on_and_completes_it(
    way: Way, state: ReleaseState, moment: Moment
) -> None:
    shop = Driven(way, state)
    await shop.drive(moment)
    await shop.succeed()
    assert shop.release.state is state
    await shop.complete()
    shop.check_end()


@everywhere
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name)
async def test_the_next_coordinator_rolls_it_back(
    way: Way, state: ReleaseState, moment: Moment
) -> None:
    shop = Driven(way, state)
    await shop.drive(moment)
    await shop.succeed()
    shop.heal()
    await shop.say(roll_back(command_id="last"))
    await shop.come_to_rest()
    shop.check_end()
    assert shop.record.version == "1.0"


@everywhere
@pytest.mark.parametrize("happened", [False, True])
async def test_every_other_write_of_its_record_may_be_lost(
    way: Way, state: ReleaseState, happened: bool
) -> None:
    shop = Driven(way, state)
    await shop.drive()
    shop.heal()
    for _ in range(20):
        shop.world.projects.lose("put", happened=happened)
        with contextlib.suppress(BusUnavailable):
            await shop.world.do_pass()
        shop.world.projects.find_again("put")
        await shop.world.loop.read()
        await shop.obey()
        shop.check()
        await shop.step()
    await shop.complete()
    shop.check_end()
