"""A project whose record is lost while two sets of it exist, or did: it is restored around them."""

from typing import Any

import pytest

from schemas.command import RestoreProject
from schemas.desired import DesiredSlot
from schemas.names import age_of_set
from schemas.records import ProjectRecord
from schemas.release import ReleaseState
from schemas.states import Wanted
from tests.component.coordinator.releasing import NODES, Shop, confirm, update

TEMPLATE = """
services:
  web: {image: 'web:%s', deploy: {replicas: %d}, depends_on: [db]}
  api: {image: 'api:%s', network_mode: 'service:web'}
  db: {image: 'db:1'}
"""
RESTORE = RestoreProject(command_id="restore", name="shop")


def template(version: int, replicas: int = 2) -> str:
    return TEMPLATE % (version, replicas, version)


def blue_green(version: int, replicas: int = 2) -> Any:
    text = template(version, replicas)
    return update(text, version=f"{version}.0", update_method="blue-green")


def orders(shop: Shop) -> dict[str, DesiredSlot]:
    """What documents want there."""
    documents = [shop.world.document(index) for index in NODES]
    slots = [slot for document in documents if document for slot in document.slots]
    return {str(slot.key): slot for slot in slots if slot.wanted is not Wanted.ABSENT}


def networks(shop: Shop) -> set[str]:
    documents = [shop.world.document(index) for index in NODES]
    return {network.name for document in documents if document for network in document.networks}


async def started() -> Shop:
    shop = Shop()
    await shop.start(template(1))
    return shop


async def restored(shop: Shop) -> ProjectRecord:
    shop.world.projects.lose_key("shop")
    await shop.world.loop.read()
    await shop.steps(2)
    assert "shop" in shop.world.store.doubts
    await shop.say(RESTORE)
    await shop.steps(4)
    return shop.record


async def test_after_a_blue_green_release_nothing_of_it_changes() -> None:
    """Its set has networks of its own, and what both sets shared goes on being in them."""
    shop = await started()
    await shop.say(blue_green(2))
    await shop.until(ReleaseState.AWAITING_CONFIRMATION)
    await shop.say(confirm())
    await shop.rest()
    before, had = orders(shop), networks(shop)
    assert {slot.set_name for slot in before.values()} == {"", "r2"}
    assert [name for name, slot in before.items() if slot.joins] == ["shop_db_1"]

    record = await restored(shop)
    assert (orders(shop), networks(shop)) == (before, had)
    assert (record.revision, record.version) == (2, "2.0")
    assert [network.name for network in record.networks] == ["shop_default"]
    await shop.say(blue_green(3))
    assert shop.release.target.revision == 3
    await shop.rest()
    assert {slot.set_name for slot in orders(shop).values()} == {"", "r2", "r3"}


@pytest.mark.parametrize("state", [ReleaseState.UPDATING, ReleaseState.AWAITING_CONFIRMATION])
async def test_in_the_middle_of_a_blue_green_release_the_set_that_was_current_stays(
    state: ReleaseState,
) -> None:
    shop = await started()
    before = orders(shop)
    await shop.say(blue_green(2))
    await shop.until(state)
    record = await restored(shop)
    left = {name: slot.model_copy(update={"tries": 0}) for name, slot in orders(shop).items()}
    assert left == before
    assert networks(shop) == {"shop_default"}
    assert record.version == "1.0"
    if state is ReleaseState.AWAITING_CONFIRMATION:
        assert sum("nothing says that the newer one" in each for each in record.warnings) == 2


async def test_the_side_that_more_is_wanted_of_stays_as_a_whole() -> None:
    shop = await started()
    await shop.say(blue_green(2, replicas=4))
    await shop.until(ReleaseState.AWAITING_CONFIRMATION)
    record = await restored(shop)
    assert {name: each.set_name for name, each in record.services.items()} == {
        "web": "r2",
        "api": "r2",
        "db": "",
    }
    assert record.version == "2.0"


async def test_no_set_of_an_update_is_called_as_one_that_any_node_still_has() -> None:
    shop = await started()
    for version in range(2, 12):
        await shop.say(blue_green(version))
        await shop.until(ReleaseState.AWAITING_CONFIRMATION)
        if version < 11:
            await shop.say(confirm(command_id=f"confirm-{version}"))
            await shop.rest()
    assert {slot.set_name for slot in orders(shop).values()} == {"", "r10", "r11"}
    shop.world.projects.lose_key("shop")
    await shop.world.loop.read()
    await shop.steps(2)
    await shop.say(RESTORE)
    # The set that is left out has not left yet.
    await shop.say(blue_green(12))
    assert shop.record.revision == 10
    assert shop.release.target.revision > age_of_set("r11")
