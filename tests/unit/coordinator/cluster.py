"""A cluster in miniature: stored documents, agents that obey them, and a coordinator that may die.

No clock, no bus: every step is a call. The coordinator remembers only what it was told since it
started; the documents and the statuses are what a bus would have kept.
"""

from typing import Any

from coordinator.commands.catalogue import Decision, bury
from coordinator.control.decision import Consequences, follow
from coordinator.control.following import Following
from coordinator.placement.assignments import has_left
from coordinator.releases.groups import SlotGroup, slot_groups
from coordinator.releases.sensing import Batch, Seen, sense
from coordinator.releases.steps import Happening, step
from coordinator.store.invariants import validate
from coordinator.store.nodes import NodePicture
from coordinator.store.placements import NOWHERE
from coordinator.views.projects import ProjectViews
from coordinator.views.releases import batches_now, nodes_of, pulls_now, slots_of
from schemas.desired import NodeDesired
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.states import NodeState, State, Wanted
from tests.builders import TIME, a_container
from tests.fakes.stores import a_store, know, remember
from tests.unit.coordinator.agents import Agent

STRANGER = "stranger"
#: more than all that a release waits for
LONG_S = 1000.0


class Cluster:
    """Checks at every write what must never be broken."""

    def __init__(self, size: int) -> None:
        self.projects: dict[str, ProjectRecord] = {}
        self.documents: dict[str, NodeDesired] = {}
        self.epoch = 1
        self.agents = [
            Agent(index, NodeDesired(node=f"n{index}", epoch=0, generation=0))
            for index in range(1, size + 1)
        ]
        for agent in self.agents:
            foreign = a_container(f"web.{agent.index}", project=STRANGER)
            agent.containers[foreign.key] = foreign
        #: what the bus has of each node, and what the coordinator knows of it
        self.stored = {agent.name: agent.status() for agent in self.agents}
        self.known = dict(self.stored)
        self.states = dict.fromkeys(self.stored, NodeState.READY)
        self._begin()

    def _begin(self) -> None:
        """What one coordinator process has in memory."""
        self.store = a_store()
        self.following = Following(self.store, ProjectViews(self.store))

    def _remember(self, *, frozen: bool) -> None:
        """Let the store have what this coordinator has read and heard."""
        for node in self.pictures():
            know(self.store, node)
        for name, record in self.projects.items():
            remember(self.store.projects, name, record)
        for name, document in self.documents.items():
            remember(self.store.documents, name, document)
        self.store.freeze("because" if frozen else "")

    # What happens to it.

    def decide(self, decision: Decision) -> None:
        self.projects[decision.record.name] = decision.record

    def restart_coordinator(self) -> None:
        """Everything in memory is gone; the next one reads what is stored."""
        self.epoch += 1
        self._begin()
        self.known = dict(self.stored)
        self.states = dict.fromkeys(self.stored, NodeState.SUSPECT)

    def judge(self) -> None:
        """The coordinator notices whom it hears."""
        for agent in self.agents:
            state = NodeState.DOWN if agent.is_cut_off else NodeState.READY
            self.states[agent.name] = state

    def read(self, agent: Agent) -> None:
        document = self.documents.get(agent.name)
        if document is not None and not agent.is_cut_off:
            assert document.epoch >= agent.held.epoch
            assert document.generation >= agent.held.generation
            agent.held = document

    def report(self, agent: Agent) -> None:
        """Onto the bus; the coordinator hears of it with `deliver`."""
        if not agent.is_cut_off:
            self.stored[agent.name] = agent.status()

    def deliver(self, agent: Agent) -> None:
        self.known[agent.name] = self.stored[agent.name]

    def do_pass(self, *, dies_after: int | None = None, frozen: bool = False) -> bool:
        """One pass of the coordinator, which may die between two writes. Whether it changed any."""
        pictures = self.pictures()
        self._remember(frozen=frozen)
        whole = follow(
            *(self.projects, pictures, self.documents, self.epoch),
            frozen=frozen,
            revision=self.store.projects.revision,
        )
        changed, order = self._follow()
        self._check_same(whole, changed)
        for written, name in enumerate(order):
            if written == dies_after:
                self.restart_coordinator()
                return True
            self._write(changed[name])
            remember(self.store.documents, name, changed[name])
            self.following.written(name)
        for name, record in list(self.projects.items()):
            is_going = record.desired_state is State.DELETED and not record.is_gone
            if is_going and has_left(name, pictures, self.documents, force=record.force):
                self.projects[name] = bury(record)
                return True
        return bool(order)

    def _follow(self) -> tuple[dict[str, NodeDesired], list[str]]:
        """The documents to write by what has changed since the last pass, in their order."""
        self.following.begin()
        assert self.following.decide()
        changed: dict[str, NodeDesired] = {}
        while self.following.has_documents:
            changed |= self.following.documents(self.epoch)
        return changed, list(changed)

    def _check_same(self, whole: Consequences, changed: dict[str, NodeDesired]) -> None:
        """What is decided over changes is what is decided of everything."""
        placed: dict[str, dict[SlotKey, Any]] = {"assigned": {}, "unplaced": {}, "moved": {}}
        for each in self.store.placements.values():
            placed["assigned"] |= each.assigned
            placed["unplaced"] |= each.unplaced
            placed["moved"] |= each.moved
        assert placed["assigned"] == whole.placement.assigned
        assert placed["unplaced"] == whole.placement.unplaced
        assert placed["moved"] == whole.placement.moved
        assert dict(self.following.views.all()) == whole.views
        assert changed == whole.changed
        validate(self.store)

    def go_on(self, *, is_late: bool = False) -> bool:
        """A step of the release, if one is due. `is_late`: what isn't up has had its time."""
        record, view = self.projects.get("shop"), self.following.views.of("shop")
        if record is None or view is None or view.record is not record or record.release is None:
            return False
        placement = self.store.placements.get("shop", NOWHERE)
        nodes = nodes_of(self.store.nodes_of("shop"), self.store.known, self.store.documents)
        is_applied = self.store.applied.get("shop") == self.store.projects.revision("shop")
        pulls, message = pulls_now("shop", nodes)
        seen = Seen(
            pulls=pulls if is_applied else pulls.GOING,
            pull_message=message,
            batches={
                name: Batch(
                    *(now.total, now.missing, now.failed, now.failed_missing, now.why),
                    up_for_s=0.0 if now.missing else LONG_S,
                    begun_for_s=LONG_S if is_late else 0.0,
                )
                for name, now in batches_now(view, placement, nodes).items()
            },
            is_routed=is_applied,
            is_applied=is_applied,
        )
        found = sense(record, record.release, seen)
        if found.signal is None:
            return False
        happening = Happening(TIME, up=found.up, message=found.message)
        self.projects["shop"] = step(record, found.signal, happening, slots_of(record, placement))
        return True

    def heal(self) -> None:
        """No more faults: everybody hears everybody again."""
        for agent in self.agents:
            agent.is_cut_off = False
        self.judge()

    def run_until_quiet(self, rounds_max: int = 60) -> None:
        for _ in range(rounds_max):
            before = [dict(agent.containers) for agent in self.agents]
            for agent in self.agents:
                self.read(agent)
                agent.act_on_all()
                self.report(agent)
                self.deliver(agent)
            moved = [agent.containers for agent in self.agents] != before
            if not self.do_pass() and not self.go_on() and not moved:
                return
        raise AssertionError("the cluster finds no rest")

    # What is true of it.

    def pictures(self) -> list[NodePicture]:
        return [
            NodePicture(
                name=agent.name,
                index=agent.index,
                joined=TIME,
                state=self.states[agent.name],
                current=self.known[agent.name],
            )
            for agent in self.agents
        ]

    def running(self) -> dict[SlotKey, list[str]]:
        """Where containers of known projects really run."""
        found: dict[SlotKey, list[str]] = {}
        for agent in self.agents:
            for key, container in agent.containers.items():
                if key.project != STRANGER and container.running:
                    found.setdefault(key, []).append(agent.name)
        return found

    def check_commands(self) -> None:
        """No slot is commanded to run on two nodes that are believed."""
        commanded: dict[SlotKey, str] = {}
        for name, each in self.documents.items():
            if self.states[name] is NodeState.DOWN:
                continue
            for slot in each.slots:
                if slot.wanted is Wanted.RUNNING:
                    assert slot.key not in commanded, f"{slot.key} on two nodes"
                    commanded[slot.key] = name

    def _write(self, document: NodeDesired) -> None:
        before = self.documents.get(document.node)
        if before is not None:
            assert document.epoch >= before.epoch
            assert document.generation > before.generation
        self._check_order(before, document)
        self.documents[document.node] = document
        assert all(slot.project != STRANGER for slot in document.slots)
        self.check_commands()

    def _check_order(self, before: NodeDesired | None, after: NodeDesired) -> None:
        """Whatever is started now finds its dependencies running."""
        started = (
            {slot.key for slot in before.slots if slot.wanted is Wanted.RUNNING}
            if before
            else set()
        )
        for slot in after.slots:
            if slot.wanted is Wanted.RUNNING and slot.key not in started:
                groups = slot_groups(self.projects[slot.project])
                (group,) = (g for g in groups if g.key == slot.key.service_key and g.has(slot.slot))
                for name in group.record.template.depends_on:
                    self._check_there(name, [g for g in groups if g.key.service == name], group)

    def _check_there(self, name: str, groups: list[SlotGroup], of: SlotGroup) -> None:
        """What a new container finds of a dependency: of its own set, if that has another one."""
        ahead = [group for group in groups if group.is_next] if of.is_next else []
        for group in ahead or [group for group in groups if not group.is_next]:
            if group.record.desired_state is State.RUNNING:
                missing = set(group.slots()) - self._believed(fingerprint(group.spec))
                assert not missing, f"{of.key} starts without {name}"

    def _believed(self, identity: str) -> set[SlotKey]:
        return {
            container.key
            for name, status in self.known.items()
            if self.states[name] is not NodeState.DOWN
            for container in status.containers
            if container.status == "running" and container.fingerprint == identity
        }
