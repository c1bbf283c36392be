"""`NodePicture`: what is known of one node, put together from its rows. Pure."""

from dataclasses import dataclass

from schemas.current import NodeCurrent
from schemas.desired import NodeDesired
from schemas.states import EngineState, MountState, NodeState

#: epoch and generation of a document
Position = tuple[int, int]

#: of silence: two heartbeats lost, and a third one late
SUSPECT_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class Health:
    """What is believed of a node. Until it is heard of, it is neither ready for work nor lost."""

    state: NodeState = NodeState.SUSPECT
    #: how long it had been silent when it was judged; 0: it is heard
    silent_for_s: float = 0.0
    #: since when, RFC 3339; empty: it is ready, or was never heard
    silent_since: str = ""


@dataclass(frozen=True, slots=True)
class NodePicture:
    """What is known of one node: what it said last, and whether it still speaks."""

    name: str
    index: int
    joined: str
    state: NodeState
    is_cordoned: bool = False
    current: NodeCurrent | None = None
    #: seconds since it was last heard, when it was judged last
    silent_for_s: float = 0.0
    #: since when, RFC 3339; empty: it was never heard
    silent_since: str = ""
    #: why its newest orders could not be written
    refused_because: str = ""
    #: since when it has held older orders than it should, where that is too long (RFC 3339)
    behind_since: str = ""

    @property
    def is_silent(self) -> bool:
        """Whether it is missed now. One that is back isn't, though it is not ready at once."""
        return self.state is NodeState.DOWN or (
            self.state is NodeState.SUSPECT
            and (not self.silent_since or self.silent_for_s >= SUSPECT_AFTER_S)
        )

    @property
    def is_trusted(self) -> bool:
        """Whether what it said last may still be true."""
        return (
            self.state is not NodeState.DOWN
            and self.current is not None
            and self.current.engine.state is not EngineState.DOWN
        )


def is_news(current: NodeCurrent, known: NodeCurrent | None) -> bool:
    """Whether a report says anything that the one before it didn't, but that time has passed."""
    if known is None or any(mount.state is not MountState.MOUNTED for mount in current.mounts):
        # How long a volume has been out of order is news as well.
        return True
    return not current.says_what(known)


def has_taken(current: NodeCurrent, document: NodeDesired) -> bool:
    """Whether a report was made with this document, or a newer one, in hand.

    A node that refuses its orders works on others, whatever their numbers.
    """
    return has_reached(current, position_of(document))


def position_of(document: NodeDesired) -> Position:
    return document.epoch, document.generation


def has_reached(current: NodeCurrent, position: Position) -> bool:
    """The same, of the document that had this position."""
    return (current.epoch, current.generation) >= position and not current.refusal
