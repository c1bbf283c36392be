"""Whether an incoming desired document may replace the held one. Nothing moves backwards."""

from typing import TypeVar

from schemas.desired import NodeDesired
from schemas.document import Part
from schemas.errors import InvalidInput

SomePart = TypeVar("SomePart", bound=Part)


class StaleEpoch(InvalidInput):
    """Written by a coordinator that is no longer the active one."""


class StaleGeneration(InvalidInput):
    """Older than what this coordinator wrote before."""


class ConflictingGeneration(InvalidInput):
    """The number of the held document with other content: two writers think they are one."""


class WrongNode(InvalidInput):
    """Meant for another node."""


def accept(
    held: NodeDesired | None, incoming: NodeDesired, *, node: str, highest_epoch: int
) -> NodeDesired:
    """Return the document to work on: `incoming`, or `held` when it says the same.

    A newer epoch is accepted whatever its generation: a new coordinator may have started from an
    older copy, and its word still counts.

    Raises:
        WrongNode, StaleEpoch, StaleGeneration, ConflictingGeneration
    """
    if incoming.node != node:
        raise WrongNode(f"the desired document is for node {incoming.node}, this is {node}")
    newest_epoch = max(highest_epoch, held.epoch if held else 0)
    if incoming.epoch < newest_epoch:
        raise StaleEpoch(f"epoch {incoming.epoch} is older than {newest_epoch}")
    if held is None or incoming.epoch > held.epoch:
        return incoming
    if incoming.generation < held.generation:
        raise StaleGeneration(
            f"generation {incoming.generation} of epoch {held.epoch} is older than {held.generation}"
        )
    if incoming.generation > held.generation:
        return incoming
    if incoming != held:
        raise ConflictingGeneration(
            f"generation {held.generation} of epoch {held.epoch} came with other content"
        )
    return held


def with_parts_of(held: NodeDesired | None, incoming: NodeDesired) -> NodeDesired:
    """`incoming`, in which the specs and networks that `held` has too are the same objects.

    A document mostly repeats the one before, and what is known of a part, such as its fingerprint,
    is known by its identity.
    """
    if held is None:
        return incoming
    networks = {network.name: network for network in held.networks}
    return incoming.model_copy(
        update={
            "specs": {
                name: _known(held.specs.get(name), spec) for name, spec in incoming.specs.items()
            },
            "networks": tuple(
                _known(networks.get(network.name), network) for network in incoming.networks
            ),
        }
    )


def _known(known: SomePart | None, told: SomePart) -> SomePart:
    return told if known is None or known != told else known
