"""What follows from a document is computed once for it, and goes with it."""

import gc
import weakref

from agent.domain.derived import once_per_document
from agent.domain.slot_order import slot_orders
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from tests.fakes.orders import a_slot, orders


class Tally:
    """Counts slots, and how often it was asked to."""

    def __init__(self) -> None:
        self.calls = 0

    def count(self, desired: NodeDesired) -> int:
        self.calls += 1
        return len(desired.slots)


def test_a_document_is_looked_at_once() -> None:
    tally = Tally()
    count = once_per_document(tally.count)
    desired = orders(a_slot(), a_slot(slot=2))
    assert [count(desired), count(desired)] == [2, 2]
    assert tally.calls == 1


def test_a_changed_copy_is_another_document() -> None:
    count = once_per_document(Tally().count)
    desired = orders(a_slot())
    assert count(desired) == 1
    assert count(desired.model_copy(update={"slots": ()})) == 0


def test_documents_in_the_place_of_dead_ones_are_looked_at_anew() -> None:
    count = once_per_document(Tally().count)
    # Each dies at once, so that the next one mostly gets its id.
    found = [
        count(orders(*(a_slot(slot=n + 1) for n in range(number)))) for number in (1, 2, 3, 0) * 20
    ]
    assert found == [1, 2, 3, 0] * 20


def test_what_is_known_of_a_document_does_not_keep_it_alive() -> None:
    desired = orders(a_slot())
    assert slot_orders(desired)[0].key == SlotKey("shop", "web", 1)
    alive = weakref.ref(desired)
    del desired
    gc.collect()
    assert alive() is None
