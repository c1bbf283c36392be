"""What nodes hold against what the bus has: whether the bus has lost data. Pure.

A node holds what it once read from the bus. So a node that holds newer orders than the bus has is
proof that the bus has gone back: its store was wiped, or an older copy of it came back. What
follows from such a store undoes what was done since, so nothing may follow from it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from schemas.desired import NodeDesired

#: epoch and generation of a document
Position = tuple[int, int]

_NONE: Position = (0, 0)


class Word(Enum):
    """What a node's orders say about the bus."""

    #: nothing: it has none, or what the bus has can't be read
    NOTHING = auto()
    #: the bus has what the node has, or newer
    AGREES = auto()
    #: the node has what the bus never had, or has lost
    AHEAD = auto()


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the nodes' word amounts to."""

    #: why the bus must have lost data, in words; empty: nothing says so
    loss: str = ""
    #: nodes that we don't know, and that hold orders of another cluster
    strangers: frozenset[str] = frozenset()


def word(position: Position, document: NodeDesired | None, epoch: int, *, accepted: int) -> Word:
    """Compare what a node holds with what was read from the bus *after* the node said so.

    `epoch` is the newest that the lease's bucket knows of. What is of an epoch up to `accepted` may
    be lost: an operator has said so.
    """
    had = _position(document)
    # One that is there but can't be read has no position, and is no proof of anything.
    is_unreadable = document is not None and had == _NONE
    is_ahead = position > had and not is_unreadable
    if (is_ahead or position[0] > epoch) and position[0] > accepted:
        return Word.AHEAD
    return Word.AGREES if position > _NONE and document is not None else Word.NOTHING


def weigh(
    ahead: Mapping[str, Position],
    documents: Mapping[str, NodeDesired],
    known: Collection[str],
    epoch: int,
    *,
    is_contradicted: bool,
) -> Testimony:
    """What follows from the nodes that are ahead.

    `known` are the nodes with a record. A machine that comes from another cluster brings its orders
    along. It is believed only if nobody whom we know says otherwise (`is_contradicted`).
    """
    foreign = frozenset(node for node in ahead if node not in known and node not in documents)
    strangers = foreign if is_contradicted else frozenset[str]()
    for node, position in sorted(ahead.items()):
        if node not in strangers:
            return Testimony(_words(node, position, documents.get(node), epoch), strangers)
    return Testimony(strangers=strangers)


def too_new(name: str, document: NodeDesired, epoch: int) -> str:
    """Why a document must be of another bus, in words: its epoch was never given by this one."""
    numbers = _numbers(_position(document))
    return f"the orders of node {name} are of {numbers}, and the lease is at epoch {epoch}"


def newest_epoch(holding: Iterable[Position], documents: Mapping[str, NodeDesired]) -> int:
    """The newest epoch that anybody holds: who accepts its loss accepts every loss until now."""
    held = (position[0] for position in holding)
    return max((0, *held, *(document.epoch for document in documents.values())))


def _position(document: NodeDesired | None) -> Position:
    return (document.epoch, document.generation) if document else _NONE


def _words(node: str, position: Position, document: NodeDesired | None, epoch: int) -> str:
    had = _position(document)
    if position > had:
        has = f"has {_numbers(had)}" if document else "has none"
    else:
        has = f"has a lease of epoch {epoch}"
    return f"node {node} holds orders of {_numbers(position)}, and the bus {has}"


def _numbers(position: Position) -> str:
    return f"epoch {position[0]}, generation {position[1]}"
