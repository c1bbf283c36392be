"""Agents of a cluster in miniature: they do what the document they hold says, slot by slot."""

from dataclasses import dataclass, field

from schemas.current import ContainerCurrent, NodeCurrent
from schemas.desired import DesiredSlot, NodeDesired
from schemas.names import SlotKey
from schemas.states import Wanted
from tests.builders import a_container, a_status
from tests.releases import prepared


def ended(container: ContainerCurrent, exit_code: int) -> ContainerCurrent:
    """The container once it has ended."""
    end = {"status": "exited", "running": False, "exit_code": exit_code}
    return container.model_copy(update=end)


@dataclass
class Agent:
    """A node: its containers, and the document it works on."""

    index: int
    held: NodeDesired
    containers: dict[SlotKey, ContainerCurrent] = field(default_factory=dict)
    is_cut_off: bool = False
    sequence: int = 0

    @property
    def name(self) -> str:
        return f"n{self.index}"

    def act(self, entry: DesiredSlot) -> None:
        """Make one slot what the held document wants of it."""
        there = self.containers.get(entry.key)
        match entry.wanted:
            case Wanted.ABSENT:
                self.containers.pop(entry.key, None)
            case Wanted.STOPPED:
                if there is not None:
                    self.containers[entry.key] = ended(there, 0)
            case Wanted.RUNNING:
                self.containers[entry.key] = a_container(
                    f"{entry.service}.{entry.slot}",
                    project=entry.project,
                    set_name=entry.set_name,
                    fingerprint=entry.spec,
                )

    def act_on_all(self) -> None:
        for entry in self.held.slots:
            self.act(entry)

    def status(self) -> NodeCurrent:
        self.sequence += 1
        return a_status(
            self.index,
            *(self.containers[key] for key in sorted(self.containers)),
            epoch=self.held.epoch,
            generation=self.held.generation,
            sequence=self.sequence,
            preparations=prepared(self.held),
        )
