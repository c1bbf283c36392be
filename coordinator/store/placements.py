"""`Placement`: where slots are; and which slots each node has by it. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from schemas.names import SlotKey


@dataclass(frozen=True, slots=True)
class Placement:
    """Where slots are. A slot that could not move is both assigned and unplaced."""

    #: every slot that has a node
    assigned: Mapping[SlotKey, str] = field(default_factory=dict)
    #: every slot that needs a node and gets none, with the reason in words
    unplaced: Mapping[SlotKey, str] = field(default_factory=dict)
    #: slots that are rescheduled: from which node, to which
    moved: Mapping[SlotKey, tuple[str, str]] = field(default_factory=dict)
    #: a node was only suspect, so that what has no place may have one soon
    may_pass: bool = False


NOWHERE = Placement()


class Placed:
    """The slots that each node has by the placement of all projects."""

    def __init__(self) -> None:
        self._slots: dict[str, set[SlotKey]] = {}

    @property
    def rows(self) -> Mapping[str, Collection[SlotKey]]:
        """All of it, to be compared."""
        return {node: slots for node, slots in self._slots.items() if slots}

    def hear(self, _project: str, before: Placement | None, after: Placement | None) -> None:
        had = before.assigned if before else {}
        has = after.assigned if after else {}
        for slot, node in had.items():
            if has.get(slot) != node:
                self._slots[node].discard(slot)
        for slot, node in has.items():
            if had.get(slot) != node:
                self._slots.setdefault(node, set()).add(slot)

    def at(self, node: str) -> Collection[SlotKey]:
        return self._slots.get(node, frozenset())
