"""Whose word proves that the bus has lost data."""

from collections.abc import Collection, Mapping

import pytest

from coordinator.control import losses
from coordinator.control.losses import Word, newest_epoch, too_new, weigh, word
from schemas.desired import NodeDesired
from tests.builders import a_document

OURS = 5
DOCUMENT = a_document(1, epoch=4, generation=7)


def weighed(
    holding: Mapping[str, tuple[int, int]],
    documents: Mapping[str, NodeDesired],
    known: Collection[str],
    *,
    accepted: int = 0,
    epoch: int = OURS,
) -> losses.Testimony:
    """What follows from everybody's word."""
    words = {
        node: word(position, documents.get(node), epoch, accepted=accepted)
        for node, position in holding.items()
    }
    ahead = {node: holding[node] for node, said in words.items() if said is Word.AHEAD}
    is_contradicted = Word.AGREES in words.values()
    return weigh(ahead, documents, known, epoch, is_contradicted=is_contradicted)


def loss(
    holds: tuple[int, int],
    document: NodeDesired | None = DOCUMENT,
    *,
    epoch: int = OURS,
    accepted: int = 0,
) -> str:
    """Of the one node n1, which is known."""
    documents = {"n1": document} if document else {}
    return weighed({"n1": holds}, documents, {"n1"}, epoch=epoch, accepted=accepted).loss


@pytest.mark.parametrize(
    "holds",
    [
        pytest.param((0, 0), id="nothing"),
        pytest.param((4, 7), id="what the bus has"),
        pytest.param((4, 6), id="an older generation"),
        pytest.param((3, 99), id="an older epoch, with more generations"),
    ],
)
def test_a_node_that_holds_no_more_than_the_bus_proves_nothing(holds: tuple[int, int]) -> None:
    assert loss(holds) == ""


@pytest.mark.parametrize(
    ("holds", "document", "words"),
    [
        ((4, 8), DOCUMENT, "epoch 4, generation 8, and the bus has epoch 4, generation 7"),
        ((5, 1), DOCUMENT, "epoch 5, generation 1, and the bus has epoch 4, generation 7"),
        ((1, 1), None, "epoch 1, generation 1, and the bus has none"),
        ((9, 1), DOCUMENT, "epoch 9, generation 1, and the bus has epoch 4, generation 7"),
    ],
)
def test_a_node_that_holds_more_is_proof(
    holds: tuple[int, int], document: NodeDesired | None, words: str
) -> None:
    assert loss(holds, document) == f"node n1 holds orders of {words}"


def test_a_lease_that_fell_behind_the_documents_is_proof() -> None:
    document = a_document(1, epoch=9, generation=2)
    assert "a lease of epoch 5" in loss((9, 2), document)
    assert too_new("n1", document, OURS) == (
        "the orders of node n1 are of epoch 9, generation 2, and the lease is at epoch 5"
    )


def test_a_document_that_can_not_be_read_is_no_loss() -> None:
    assert loss((4, 7), a_document(1, epoch=0, generation=0)) == ""


@pytest.mark.parametrize(("accepted", "is_loss"), [(3, True), (4, False), (9, False)])
def test_what_an_operator_accepted_is_no_loss(accepted: int, is_loss: bool) -> None:
    assert bool(loss((4, 9), epoch=10, accepted=accepted)) is is_loss


def test_a_stranger_is_no_proof_where_a_known_node_says_otherwise() -> None:
    holding = {"n1": (4, 7), "other": (900, 3)}
    said = weighed(holding, {"n1": DOCUMENT}, {"n1"})
    assert (said.loss, said.strangers) == ("", frozenset({"other"}))


@pytest.mark.parametrize("n1", [(0, 0), (4, 8)])
def test_a_stranger_is_believed_where_no_known_node_says_otherwise(n1: tuple[int, int]) -> None:
    holding = {"n1": n1, "other": (900, 3)}
    assert weighed(holding, {"n1": DOCUMENT}, {"n1"}).loss
    assert weighed({"other": (900, 3)}, {}, ()).loss


def test_the_newest_epoch_is_that_of_any_node_or_document() -> None:
    assert newest_epoch([(3, 1), (8, 1)], {"n1": DOCUMENT}) == 8
    assert newest_epoch([], {"n1": DOCUMENT}) == 4
