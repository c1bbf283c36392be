"""A coordinator that dies in any state of any release: the next one goes on.

The states are the table's; a test fails when one of them has no way that leads there here.
"""

from collections.abc import Awaitable, Callable

import pytest

from coordinator.releases.table import ENDS, states_of
from coordinator.releases.weights import versions_of, weight_of
from schemas.release import ReleaseKind, ReleaseState
from schemas.states import State
from tests.component.coordinator.releasing import (
    AT_REST,
    Shop,
    confirm,
    roll_back,
    rolling,
    update,
)

S, K = ReleaseState, ReleaseKind
Way = Callable[[Shop], Awaitable[None]]
BEFORE = {*(f"shop_web_{n}" for n in range(1, 7)), "shop_db_1"}
BLUE_GREEN = "blue-green"


async def _begin(shop: Shop, method: str = "", action: str = "pause") -> None:
    await shop.say(update(rolling(2, action=action), update_method=method))


async def _pulling(shop: Shop) -> None:
    await _begin(shop)


async def _pull_failed(shop: Shop) -> None:
    shop.missing = {"web:2"}
    await _begin(shop)


async def _paused(shop: Shop) -> None:
    shop.sick = {"web:2"}
    await _begin(shop)


async def _rolling_back(shop: Shop) -> None:
    shop.sick = {"web:2"}
    await _begin(shop, action="rollback")


async def _rollback_paused(shop: Shop) -> None:
    await _begin(shop)
    await shop.until(S.UPDATING)
    await shop.steps(2)
    shop.sick = {"web:1"}
    await shop.say(roll_back())


async def _green(shop: Shop) -> None:
    await _begin(shop, BLUE_GREEN)


async def _green_missing(shop: Shop) -> None:
    shop.missing = {"web:2"}
    await _begin(shop, BLUE_GREEN)


async def _green_paused(shop: Shop) -> None:
    shop.sick = {"web:2"}
    shop.world.loop._releases._deadline_s = 5.0
    await _begin(shop, BLUE_GREEN)


async def _confirming(shop: Shop) -> None:
    await _begin(shop, BLUE_GREEN)
    await shop.until(S.AWAITING_CONFIRMATION)
    await shop.say(confirm())


async def _green_back(shop: Shop) -> None:
    await _begin(shop, BLUE_GREEN)
    await shop.until(S.AWAITING_CONFIRMATION)
    await shop.say(roll_back())


WAYS: dict[tuple[ReleaseKind, ReleaseState], Way] = {
    (K.STANDARD, S.PULLING): _pulling,
    (K.STANDARD, S.PULL_FAILED): _pull_failed,
    (K.STANDARD, S.UPDATING): _pulling,
    (K.STANDARD, S.PAUSED): _paused,
    (K.STANDARD, S.ROLLING_BACK): _rolling_back,
    (K.STANDARD, S.ROLLBACK_PAUSED): _rollback_paused,
    (K.BLUE_GREEN, S.PULLING): _green,
    (K.BLUE_GREEN, S.PULL_FAILED): _green_missing,
    (K.BLUE_GREEN, S.UPDATING): _green,
    (K.BLUE_GREEN, S.PAUSED): _green_paused,
    (K.BLUE_GREEN, S.AWAITING_CONFIRMATION): _green,
    (K.BLUE_GREEN, S.CONFIRMING): _confirming,
    (K.BLUE_GREEN, S.ROLLING_BACK): _green_back,
}


def test_every_state_of_the_table_has_a_way_that_leads_there() -> None:
    assert WAYS.keys() == {(kind, state) for kind in K for state in states_of(kind) - ENDS}


@pytest.mark.parametrize("at", WAYS, ids=lambda at: f"{at[0].value}, {at[1].value}")
@pytest.mark.parametrize("is_healed", [True, False])
async def test_the_next_coordinator_goes_on_from_there(
    at: tuple[ReleaseKind, ReleaseState], is_healed: bool
) -> None:
    shop = Shop()
    await shop.start(rolling(1))
    await WAYS[at](shop)
    await shop.until(at[1])
    await shop.succeed()
    if is_healed:
        shop.sick, shop.missing = set(), set()
    await shop.steps(3)
    await shop.rest()
    record, release = shop.record, shop.record.release
    if release is None:
        assert record.last_release
        new = record.last_release.outcome is S.COMPLETED
        assert record.version == ("2.0" if new else "1.0")
        assert len(shop.healthy()) == len(BEFORE)
        assert shop.world.view().current_state is State.RUNNING
    else:
        assert release.state in AT_REST
    weights = [weight_of(record, "web", version) for version in versions_of(record, "web")]
    if release is None or at[0] is K.BLUE_GREEN:
        assert sum(weight > 0 for weight in weights) == 1


@pytest.mark.parametrize("at", WAYS, ids=lambda at: f"{at[0].value}, {at[1].value}")
async def test_a_project_can_be_deleted_in_every_state(
    at: tuple[ReleaseKind, ReleaseState],
) -> None:
    shop = Shop()
    await shop.start(rolling(1))
    await WAYS[at](shop)
    await shop.until(at[1])
    await shop.delete()
    await shop.steps(6)
    assert shop.record.is_gone
    documents = [shop.world.document(index) for index in (1, 2)]
    assert not any(document.slots for document in documents if document)
