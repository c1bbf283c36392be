"""`Picture`: everything the coordinator knows at this moment, in memory.

It owns no task and touches no network. The intake, the collector and the control loop write into
it; faces and waiting commands read from it. Records and documents are remembered with the revision
that a compare-and-set needs.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from coordinator.commands.progress import Lag, lag
from coordinator.control.decision import placed
from coordinator.store.placements import Placement
from coordinator.views.incremental import NOTHING, RolledUp, roll_up_again
from coordinator.views.rollup import NodePicture, ProjectView
from coordinator.volumes.views import VolumeView, volume_views
from schemas.current import NodeCurrent
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.records import NodeRecord, ProjectRecord, VolumeRecord
from schemas.states import NodeState

Content = TypeVar("Content")

#: A node takes its orders within a second. One whose engine hangs looks at it for longer.
BEHIND_S = 10.0

_NOTHING = (0, 0)
NOWHERE = Placement(assigned={}, unplaced={}, moved={})


@dataclass(frozen=True, slots=True)
class Held(Generic[Content]):
    """A value and its revision in the bucket."""

    value: Content
    revision: int


@dataclass(frozen=True, slots=True)
class Member:
    """A node of this cluster."""

    #: 0: unknown
    index: int
    joined: str
    is_cordoned: bool


class Picture:
    """What is wanted, what was decided, what is seen."""

    def __init__(self) -> None:
        self.projects: dict[str, Held[ProjectRecord]] = {}
        self.volumes: dict[str, Held[VolumeRecord]] = {}
        self.nodes: dict[str, Held[NodeRecord]] = {}
        self.documents: dict[str, Held[NodeDesired]] = {}
        self.current: dict[str, NodeCurrent] = {}
        #: monotonic seconds of each node's last sign of life
        self.last_seen: dict[str, float] = {}
        #: epoch and generation of the orders that each node held at its newest heartbeat
        self.holding: dict[str, tuple[int, int]] = {}
        self.states: dict[str, NodeState] = {}
        self.placement = NOWHERE
        #: why nothing is rescheduled now; empty: it is
        self.frozen_because = ""
        #: why nothing is written and no command taken; empty: they are
        self.halted_because = ""
        #: why a node's orders could not be written, by node
        self.refused: dict[str, str] = {}
        #: project -> revision of the record whose consequences are all written
        self.applied: dict[str, int] = {}
        #: monotonic seconds since when each node has held older orders than it should
        self._behind_since: dict[str, float] = {}
        #: nodes for which that is too long
        self._late: set[str] = set()
        self._version = 0
        self._changed = asyncio.Event()
        #: the newest roll-up, and the version that it is of
        self._rolled_up, self._rolled_up_at = NOTHING, -1
        #: the nodes at a change, how far they were then, and the versions that these are of
        self._nodes: list[NodePicture] = []
        self._nodes_at = -1
        self._lag, self._lag_at = Lag(), -1

    @property
    def version(self) -> int:
        """Raised by every `touch`."""
        return self._version

    def touch(self) -> None:
        """Say that something has changed."""
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Return at the next `touch`."""
        await self._changed.wait()

    def records(self) -> dict[str, ProjectRecord]:
        return {name: held.value for name, held in self.projects.items()}

    def volume_records(self) -> dict[str, VolumeRecord]:
        return {name: held.value for name, held in self.volumes.items()}

    def held_documents(self) -> dict[str, NodeDesired]:
        return {name: held.value for name, held in self.documents.items()}

    def holding_now(self) -> dict[str, tuple[int, int]]:
        """Epoch and generation of the newest orders that each node said it holds.

        The newer of its status and its heartbeat: either may have been lost, or be an old copy.
        """
        held = {name: (each.epoch, each.generation) for name, each in self.current.items()}
        for name, position in self.holding.items():
            held[name] = max(position, held.get(name, position))
        return held

    def last_reports(self, nodes: Iterable[str], now: float) -> dict[str, float]:
        """When these nodes said that they reported last, on the clock of `now`; only roughly."""
        at, found = datetime.now(UTC), {}
        for name in nodes:
            # A node may say anything.
            with contextlib.suppress(KeyError, ValueError, TypeError):
                reported = datetime.fromisoformat(self.current[name].observed_at)
                found[name] = now - max(0.0, (at - reported).total_seconds())
        return found

    def note_who_is_behind(self, now: float) -> None:
        """Remember since when nodes hold older orders than theirs; `now` in monotonic seconds."""
        holding = self.holding_now()
        since = self._behind_since
        for name, held in self.documents.items():
            if holding.get(name, _NOTHING) >= (held.value.epoch, held.value.generation):
                since.pop(name, None)
            else:
                since.setdefault(name, now)
        late = {name for name, at in since.items() if now - at > BEHIND_S}
        if late != self._late:
            self._late = late
            self.touch()

    def members(self) -> dict[str, Member]:
        """Every node that has joined.

        One that has orders and whose record is lost, or can't be read, is there all the same: it
        keeps what it has, and gets nothing new before its record is back.
        """
        found = {
            name: Member(held.value.index, held.value.joined, held.value.is_cordoned)
            for name, held in self.nodes.items()
        }
        for name in sorted(self.documents.keys() - found.keys()):
            report = self.current.get(name)
            index = self.documents[name].value.index or (report.index if report else 0)
            found[name] = Member(index, joined="", is_cordoned=True)
        return found

    def node_pictures(self, now: float) -> list[NodePicture]:
        """Every node that has joined, by index; `now` in monotonic seconds."""
        wall = time.time()
        since = self._behind_since
        pictures = [
            NodePicture(
                name=name,
                index=member.index,
                joined=member.joined,
                # Until it is heard of, a node is neither ready for work nor lost.
                state=(state := self.states.get(name, NodeState.SUSPECT)),
                is_cordoned=member.is_cordoned,
                current=self.current.get(name),
                silent_for_s=(silent_for_s := max(0.0, now - self.last_seen.get(name, now))),
                # Of a thousand that are ready nobody asks.
                silent_since=_rfc3339(wall - silent_for_s)
                if name in self.last_seen and state is not NodeState.READY
                else "",
                refused_because=self.refused.get(name, ""),
                behind_since=_rfc3339(wall - (now - since[name])) if name in self._late else "",
            )
            for name, member in self.members().items()
        ]
        return sorted(pictures, key=lambda node: node.index)

    def nodes_at_change(self, now: float) -> list[NodePicture]:
        """The nodes. Looked at once per change, however many ask.

        Of what passes with time alone they say how it was then.
        """
        if self._nodes_at != self._version:
            self._nodes, self._nodes_at = self.node_pictures(now), self._version
        return self._nodes

    def lag_at_change(self, now: float) -> Lag:
        """How far the nodes are. Looked at once per change, however many ask."""
        if self._lag_at != self._version:
            self._lag = lag(self.held_documents(), self.nodes_at_change(now))
            self._lag_at = self._version
        return self._lag

    @property
    def rolled_up(self) -> RolledUp:
        """The newest roll-up, for the next one to start from."""
        return self._rolled_up

    def adopt(self, rolled_up: RolledUp) -> None:
        """Start the next roll-up from one that somebody else has made."""
        self._rolled_up, self._rolled_up_at = rolled_up, -1

    def views(self, now: float) -> Mapping[str, ProjectView]:
        """Every project with its states. Computed once per change, however many ask."""
        if self._rolled_up_at != self._version:
            self._rolled_up = roll_up_again(
                self._rolled_up, self.records(), self.placement, self.nodes_at_change(now)
            )
            self._rolled_up_at = self._version
        return self._rolled_up.views

    def volume_views(self, now: float) -> dict[str, VolumeView]:
        """Every volume with its mounts and users."""
        # Of now: when a mount answered last is shown, and is no change.
        return volume_views(
            self.volume_records().values(), self.node_pictures(now), self.views(now).values()
        )

    def placed(self) -> dict[SlotKey, str]:
        """Where each slot is, according to the documents."""
        return placed(self.held_documents())


def _rfc3339(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
