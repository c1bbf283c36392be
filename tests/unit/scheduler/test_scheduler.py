"""The schedule that is kept, against the one that is made of everything at once."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from coordinator.placement.occupancy import NodeView
from coordinator.placement.schedule import schedule
from coordinator.placement.scheduler import Scheduler
from coordinator.store.placements import Placement
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind
from schemas.states import State
from schemas.template import ServiceTemplate, UpdatePolicy
from tests.releases import KINDS, ORDERS, an_update, anywhere, ended
from tests.unit.scheduler.builders import a_node, a_project, a_service, down
from tests.unit.scheduler.test_schedule_properties import NAMES, a_known_node, services, slots

PROJECTS = ["p", "q", "r"]


@st.composite
def next_template(
    draw: st.DrawFn, project: ProjectRecord, name: str, order: str
) -> ServiceTemplate:
    """What an update says of a service: the same, another image, or anything."""
    held = project.services.get(name)
    what = draw(st.sampled_from(["same", "image", "image", "image", "new"]))
    if held is None or what == "new":
        made = draw(services(name)).template
    elif what == "same":
        return held.template
    else:
        spec = held.template.spec.model_copy(update={"image": f"{name}:{draw(st.integers(1, 9))}"})
        made = held.template.model_copy(update={"spec": spec, "scale": draw(st.integers(0, 4))})
    return made.model_copy(update={"update": UpdatePolicy.model_validate({"order": order})})


class TwoSchedules(RuleBasedStateMachine):
    """One is told of every change; the other decides everything anew after each."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Scheduler()
        self.placements: dict[str, Placement] = {}
        self.projects: dict[str, ProjectRecord] = {}
        self.nodes: dict[str, NodeView] = {}
        self.homes: dict[SlotKey, str] = {}
        self.frozen = False
        #: of the newest set
        self.revision = 1
        #: what happens now happens within one pass
        self.goes_on = False

    @initialize(data=st.data(), some=st.lists(a_known_node, min_size=2, max_size=4))
    def there_are_nodes_and_a_project(self, data: st.DataObject, some: list[NodeView]) -> None:
        for node in some:
            self.a_node_comes_or_changes(node)
        made = [data.draw(services(each)) for each in NAMES]
        self._record(a_project(*made, name=PROJECTS[0]))

    @rule(data=st.data(), name=st.sampled_from(PROJECTS))
    def a_project_is_made_or_changed(self, data: st.DataObject, name: str) -> None:
        chosen = data.draw(st.sets(st.sampled_from(NAMES)).map(sorted))
        made = [data.draw(services(each)) for each in chosen]
        state = data.draw(st.sampled_from([State.RUNNING] * 4 + [State.DELETED]))
        self._record(a_project(*made, name=name, state=state))

    @rule(
        name=st.sampled_from(PROJECTS),
        service=st.sampled_from(NAMES),
        scale=st.integers(0, 6),
        state=st.sampled_from([State.RUNNING, State.RUNNING, State.STOPPED]),
    )
    def a_service_is_scaled_or_stopped(
        self, name: str, service: str, scale: int, state: State
    ) -> None:
        held = self.projects.get(name)
        if held is None or service not in held.services:
            return
        change = {"scale": scale, "desired_state": state}
        changed = held.services[service].model_copy(update=change)
        self._record(held.model_copy(update={"services": {**held.services, service: changed}}))

    @precondition(lambda self: self.named(is_released=False))
    @rule(data=st.data(), kind=KINDS, order=ORDERS, steps=st.integers(0, 3))
    def a_project_is_updated(
        self, data: st.DataObject, kind: ReleaseKind, order: str, steps: int
    ) -> None:
        name = data.draw(st.sampled_from(self.named(is_released=False)))
        held = self.projects[name]
        chosen = data.draw(st.sets(st.sampled_from(NAMES), min_size=1).map(sorted))
        made = [data.draw(next_template(held, each, order)) for each in chosen]
        self.revision += 1
        self._record(an_update(held, made, kind, revision=self.revision))
        for _ in range(steps):
            self.both_decide_the_same()
            self._record(data.draw(anywhere(self.projects[name])))

    @precondition(lambda self: self.named(is_released=True))
    @rule(data=st.data(), ends=st.sampled_from(["", "completed", "rolled back"]))
    def a_release_goes_on_or_ends(self, data: st.DataObject, ends: str) -> None:
        held = self.projects[data.draw(st.sampled_from(self.named(is_released=True)))]
        if ends:
            self._record(ended(held, completed=ends == "completed"))
        else:
            self._record(data.draw(anywhere(held)))

    @rule(name=st.sampled_from(PROJECTS))
    def a_project_is_gone(self, name: str) -> None:
        self.projects.pop(name, None)
        self.kept.take_project(name, None)

    @rule(node=a_known_node)
    def a_node_comes_or_changes(self, node: NodeView) -> None:
        self.nodes[node.name] = node
        self._take_node(node.name)

    @rule(index=st.integers(1, 6))
    def a_node_is_removed(self, index: int) -> None:
        self.nodes.pop(f"n{index}", None)
        self._take_node(f"n{index}")

    @rule(index=st.integers(1, 6))
    def a_node_goes_down(self, index: int) -> None:
        self.nodes[f"n{index}"] = down(index)
        self._take_node(f"n{index}")

    @rule(frozen=st.booleans())
    def moving_is_frozen_or_not(self, frozen: bool) -> None:
        self.frozen = frozen
        self.kept.take_freeze(frozen=frozen)

    @rule()
    def documents_are_written(self) -> None:
        placed: dict[SlotKey, str] = {}
        for each in self.placements.values():
            placed |= each.assigned
        self._set_homes(placed)

    @rule(slot=slots, node=st.sampled_from([f"n{index}" for index in range(1, 7)]))
    def a_slot_is_found_elsewhere(self, slot: SlotKey, node: str) -> None:
        self._set_homes({**self.homes, slot: node})

    @rule(slot=slots)
    def a_slot_is_lost(self, slot: SlotKey) -> None:
        self._set_homes({key: node for key, node in self.homes.items() if key != slot})

    @rule(goes_on=st.booleans())
    def a_pass_goes_on_or_ends(self, *, goes_on: bool) -> None:
        self.goes_on = goes_on

    @invariant()
    def both_decide_the_same(self) -> None:
        if not self.goes_on:
            self.kept.begin(self.homes.get)
        decided = self.kept.decide(self.homes.get)
        assert not self.kept.has_work
        for name, placement in decided.items():
            if placement is None:
                self.placements.pop(name, None)
            else:
                self.placements[name] = placement
        if self.goes_on:
            return
        found: dict[str, dict[SlotKey, Any]] = {"assigned": {}, "unplaced": {}, "moved": {}}
        for each in self.placements.values():
            found["assigned"] |= each.assigned
            found["unplaced"] |= each.unplaced
            found["moved"] |= each.moved
        whole = schedule(
            self.projects.values(), self.nodes.values(), self.homes, frozen=self.frozen
        )
        assert found == {
            "assigned": whole.assigned,
            "unplaced": whole.unplaced,
            "moved": whole.moved,
        }

    def named(self, *, is_released: bool) -> list[str]:
        """The projects that have a release, or that have none."""
        found = (name for name, each in self.projects.items() if bool(each.release) is is_released)
        return sorted(found)

    def _record(self, record: ProjectRecord) -> None:
        self.projects[record.name] = record
        self.kept.take_project(record.name, record)

    def _take_node(self, name: str) -> None:
        has = [slot for slot, node in self.homes.items() if node == name]
        self.kept.take_node(name, self.nodes.get(name), has)

    def _set_homes(self, homes: dict[SlotKey, str]) -> None:
        changed = {
            key.project
            for key in homes.keys() | self.homes.keys()
            if homes.get(key) != self.homes.get(key)
        }
        self.homes = homes
        for name in sorted(changed):
            self.kept.take_homes(name, homes.get)


TestTwoSchedules = TwoSchedules.TestCase
TestTwoSchedules.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


def test_nothing_is_decided_anew_where_nothing_has_changed() -> None:
    kept, homes = Scheduler(), dict[SlotKey, str]()
    for index in (1, 2):
        kept.take_node(f"n{index}", a_node(index))
    for name in PROJECTS:
        kept.take_project(name, a_project(a_service("a", scale=2), name=name))
    for placement in kept.decide(homes.get).values():
        assert placement is not None
        homes |= placement.assigned
    kept.begin(homes.get)
    assert not kept.decide(homes.get), "every slot is where it was placed"
    held = kept.records["q"]
    scaled = held.services["a"].model_copy(update={"scale": 3})
    kept.take_project("q", held.model_copy(update={"services": {"a": scaled}}))
    assert set(kept.decide(homes.get)) == {"q"}
    kept.begin(homes.get)
    assert set(kept.decide(homes.get)) == {"q"}, "no document has its place yet"


def test_a_limit_leaves_work_for_later() -> None:
    kept = Scheduler()
    kept.take_node("n1", a_node(1))
    for name in PROJECTS:
        kept.take_project(name, a_project(a_service("a"), name=name))
    found: list[str] = []
    for _ in range(10):
        found += kept.decide(lambda _: None, limit=2)
        if not kept.has_work:
            break
    assert found == ["p", "q", "r"]


def test_nothing_is_placed_before_everything_is_settled() -> None:
    # All of the projects but the first have a container on the only port of n1.
    kept = Scheduler()
    for index in (1, 2):
        kept.take_node(f"n{index}", a_node(index))
    for name in PROJECTS:
        kept.take_project(name, a_project(a_service("a", ports=("80:80",)), name=name))
    homes = {SlotKey("r", "a", 1): "n1"}
    placements: dict[str, Placement | None] = {}
    while kept.has_work:
        placements.update(kept.decide(homes.get, limit=1))
    where = {name: list(each.assigned.values()) for name, each in placements.items() if each}
    assert where == {"p": ["n2"], "q": [], "r": ["n1"]}


def test_what_has_no_place_is_tried_again_only_when_asked() -> None:
    kept = Scheduler()
    kept.take_project("p", a_project(a_service("a"), name="p"))
    (placement,) = kept.decide(lambda _: None).values()
    assert placement is not None
    assert placement.unplaced
    kept.take_node("n1", a_node(1))
    assert kept.decide(lambda _: None, retry=False) == {}
    assert kept.may_retry
    (placement,) = kept.decide(lambda _: None).values()
    assert placement is not None
    assert list(placement.assigned.values()) == ["n1"]
    assert not kept.may_retry
