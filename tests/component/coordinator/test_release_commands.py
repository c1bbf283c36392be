"""Commands that arrive in any state of any release: what may be said then, and what comes of it."""

import pytest

from coordinator.releases.steps import is_possible
from coordinator.releases.table import Signal
from schemas.command import (
    AnyCommand,
    DeleteProject,
    RedeployProject,
    ScaleService,
    StartProject,
    StopProject,
)
from schemas.release import ReleaseKind, ReleaseState
from schemas.reply import ReasonCode
from schemas.states import State
from tests.component.coordinator.release_paths import Driven, Way, everywhere
from tests.component.coordinator.releasing import confirm, roll_back, update
from tests.component.coordinator.world import code


async def driven(way: Way, state: ReleaseState) -> Driven:
    shop = Driven(way, state)
    await shop.drive()
    return shop


@everywhere
@pytest.mark.parametrize("count", [0, 1, 6])
async def test_a_scale_is_about_the_set_that_stays_whichever_it_is(
    way: Way, state: ReleaseState, count: int
) -> None:
    shop = await driven(way, state)
    await shop.say(
        ScaleService(command_id="s", service_id="shop_web", type="scale_to", value=count)
    )
    await shop.complete()
    shop.check_end()
    assert shop.record.services["web"].scale == count


@everywhere
async def test_a_stop_stops_both_sets_and_a_start_starts_what_stays(
    way: Way, state: ReleaseState
) -> None:
    shop = await driven(way, state)
    await shop.say(StopProject(command_id="stop", name="shop"))
    await shop.complete()
    assert shop.healthy() == {}
    assert shop.record.release is None
    assert shop.world.view().current_state is State.STOPPED
    await shop.say(StartProject(command_id="start", name="shop"))
    await shop.come_to_rest()
    shop.check_end()


@everywhere
async def test_a_deletion_removes_both_sets(way: Way, state: ReleaseState) -> None:
    shop = await driven(way, state)
    await shop.say(DeleteProject(command_id="delete", name="shop", force=True))
    shop.heal()
    await shop.steps(6)
    assert shop.record.is_gone
    assert shop.entries() == []
    for index in (1, 2):
        document = shop.world.document(index)
        assert document is None or document.networks == ()


@everywhere
async def test_what_the_table_doesn_t_have_is_refused_and_changes_nothing(
    way: Way, state: ReleaseState
) -> None:
    shop = await driven(way, state)
    before = shop.record
    refused: list[AnyCommand] = [
        update(shop.template(3), "3.0"),
        RedeployProject(command_id="again", name="shop"),
        roll_back(command_id="to", to=1),
    ]
    if not is_possible(shop.release, Signal.CONFIRM):
        refused.append(confirm(command_id="no"))
    if not is_possible(shop.release, Signal.ROLLBACK):
        refused.append(roll_back(command_id="no"))
    for command in refused:
        assert code(await shop.world.intake.submit(command)) is ReasonCode.CONFLICT, command
    assert shop.record == before


@everywhere
async def test_whatever_is_confirmed_or_rolled_back_comes_to_an_end(
    way: Way, state: ReleaseState
) -> None:
    for command, signal in ((confirm, Signal.CONFIRM), (roll_back, Signal.ROLLBACK)):
        shop = await driven(way, state)
        if is_possible(shop.release, signal):
            await shop.say(command(command_id="now"))
            await shop.complete()
            shop.check_end()


async def test_a_scale_out_adds_to_both_sets_that_run_beside_each_other() -> None:
    shop = await driven(Way(ReleaseKind.BLUE_GREEN), ReleaseState.AWAITING_CONFIRMATION)
    await shop.say(ScaleService(command_id="s", service_id="shop_web", type="scale_to", value=6))
    shop.heal()
    await shop.come_to_rest()
    assert shop.release.state is ReleaseState.AWAITING_CONFIRMATION
    assert shop.versions()[-1] == 12
