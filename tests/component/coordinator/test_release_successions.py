"""A coordinator that dies in any state of any release, at any moment: the next one ends it."""

import pytest

from schemas.release import ReleaseState
from tests.component.coordinator.release_paths import WAYS, Driven, Moment, Way, reachable
from tests.component.coordinator.releasing import confirm, roll_back

STATES = [(way, state) for way in WAYS for state in reachable(way)]
everywhere = pytest.mark.parametrize(
    ("way", "state"), STATES, ids=[f"{way}-{state}" for way, state in STATES]
)


@everywhere
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name)
async def test_the_next_coordinator_goes_on_and_completes_it(
    way: Way, state: ReleaseState, moment: Moment
) -> None:
    shop = Driven(way, state)
    await shop.drive(moment)
    await shop.succeed()
    assert shop.release.state is state
    shop.heal()
    await shop.come_to_rest()
    if shop.record.release is not None:
        await shop.say(confirm(command_id="last"))
        await shop.come_to_rest()
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
