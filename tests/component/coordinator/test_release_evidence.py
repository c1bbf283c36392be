"""What is held against a release, and what isn't; and when its orders go out."""

from schemas.release import ReleaseState
from tests.component.coordinator.releasing import NODES, Shop, rolling, update


async def test_what_crashed_before_it_was_replaced_is_not_held_against_the_update() -> None:
    shop = Shop()
    await shop.start(rolling(1))
    shop.sick = {"web:1"}
    await shop.steps(2)
    await shop.say(update(rolling(2)))
    await shop.rest()
    assert (shop.record.release, shop.record.version) == (None, "2.0")


async def test_what_crashed_in_the_update_is_not_held_against_the_way_back() -> None:
    shop = Shop()
    shop.sick = {"web:2"}
    await shop.start(rolling(1, action="rollback"))
    await shop.say(update(rolling(2, action="rollback")))
    states = set[ReleaseState]()
    while release := shop.record.release:
        states.add(release.state)
        await shop.step()
    assert ReleaseState.ROLLING_BACK in states
    assert ReleaseState.ROLLBACK_PAUSED not in states


async def test_an_update_is_in_the_documents_at_once_without_news_of_any_node() -> None:
    shop = Shop()
    await shop.start(rolling(1))
    await shop.world.do_pass()
    await shop.say(update(rolling(2)))
    await shop.world.do_pass()
    documents = [shop.world.document(index) for index in NODES]
    slots = [slot for document in documents if document for slot in document.slots]
    assert {bool(slot.prepares) for slot in slots if slot.service == "web"} == {True}
    assert shop.release.state is ReleaseState.PULLING
