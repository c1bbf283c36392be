"""Nothing moves backwards."""

import pytest

from agent.domain.acceptance import (
    ConflictingGeneration,
    StaleEpoch,
    StaleGeneration,
    WrongNode,
    accept,
    with_parts_of,
)
from schemas.desired import NodeDesired
from schemas.errors import InvalidInput
from tests.fakes.orders import a_network, a_slot, a_spec, orders

HELD = orders(epoch=3, generation=7)


def offer(incoming: NodeDesired, held: NodeDesired | None = HELD, epoch: int = 3) -> NodeDesired:
    return accept(held, incoming, node="n1", highest_epoch=epoch)


@pytest.mark.parametrize(
    ("incoming", "error"),
    [
        (orders(epoch=2, generation=9), StaleEpoch),
        (orders(epoch=3, generation=6), StaleGeneration),
        (orders(a_slot(), epoch=3, generation=7), ConflictingGeneration),
        (HELD.model_copy(update={"node": "n2"}), WrongNode),
    ],
)
def test_refuses(incoming: NodeDesired, error: type[InvalidInput]) -> None:
    with pytest.raises(error):
        offer(incoming)


@pytest.mark.parametrize(
    "incoming",
    [orders(epoch=3, generation=8), orders(epoch=4, generation=1), orders(epoch=4, generation=8)],
)
def test_accepts_what_is_newer_and_a_new_epoch_whatever_its_generation(
    incoming: NodeDesired,
) -> None:
    assert offer(incoming) is incoming


def test_the_same_again_is_what_is_held() -> None:
    assert offer(HELD.model_copy()) is HELD


def test_the_first_document_is_accepted_unless_a_newer_epoch_was_ever_seen() -> None:
    assert offer(HELD, held=None) is HELD
    with pytest.raises(StaleEpoch):
        offer(HELD, held=None, epoch=4)


def test_parts_that_stay_are_the_same_objects_and_others_are_new() -> None:
    kept, added = a_spec("web:1"), a_spec("web:2")
    held = orders(
        a_slot(spec=kept), networks=[a_network(), a_network("shop_back", "shop")], generation=1
    )
    incoming = orders(
        a_slot(spec=kept.model_copy()),
        a_slot("other", spec=added),
        networks=[a_network(), a_network("shop_back", "shop").model_copy(update={"driver": "x"})],
        generation=2,
    )
    document = with_parts_of(held, incoming)
    assert document == incoming
    assert document.specs[document.slots[0].spec] is kept
    assert document.networks[0] is held.networks[0]
    assert document.networks[1].driver == "x"


def test_a_spec_that_changes_under_its_name_is_the_incoming_one() -> None:
    slot, _ = a_slot(spec=a_spec("web:1"))
    held = orders((slot, a_spec("web:1")))
    incoming = orders((slot, a_spec("web:2")), generation=2)
    assert with_parts_of(held, incoming).specs[slot.spec].image == "web:2"
