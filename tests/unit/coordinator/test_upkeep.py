"""A roll-up that starts from an earlier one is the roll-up of everything."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.store.placements import Placement
from coordinator.views import incremental as upkeep
from coordinator.views.incremental import NOTHING, RolledUp, roll_up_again
from coordinator.views.rollup import roll_up
from coordinator.views.sightings import NodePicture
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.states import Health, NodeState, State
from tests.builders import (
    a_container,
    a_node,
    a_problem,
    a_project,
    a_service,
    exited,
    slot,
)

PROJECTS = ("shop", "blog", "cms")
SLOTS = [slot(f"{service}.{n}", p) for p in PROJECTS for service in ("web", "db") for n in (1, 2)]
INDEXES = (1, 2, 3, 4)

projects = st.sampled_from(PROJECTS)
slots = st.sampled_from(SLOTS)
indexes = st.sampled_from(INDEXES)


@st.composite
def records(draw: st.DrawFn) -> ProjectRecord:
    states = st.sampled_from([State.RUNNING, State.STOPPED])
    services = [
        a_service("web", scale=draw(st.integers(0, 2)), state=draw(states), after=("db",)),
        a_service("db", state=draw(states), image=draw(st.sampled_from(["db:1", "db:2"]))),
    ]
    record = a_project(*services[: draw(st.integers(1, 2))], name=draw(projects))
    fate: dict[str, Any] = draw(
        st.sampled_from([{}, {"desired_state": State.DELETED}, {"is_gone": True}])
    )
    return record.model_copy(update=fate)


@st.composite
def believed(draw: st.DrawFn, node: NodePicture) -> NodePicture:
    """The same report, and another opinion of the node."""
    return replace(
        node,
        state=draw(st.sampled_from(NodeState)),
        silent_for_s=draw(st.sampled_from([0.0, 60.0])),
        silent_since=draw(st.sampled_from(["", "2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z"])),
        refused_because=draw(st.sampled_from(["", "too large"])),
        behind_since=draw(st.sampled_from(["", "2026-11-23T12:00:00Z"])),
    )


@st.composite
def nodes(draw: st.DrawFn) -> NodePicture:
    containers = [
        draw(
            st.sampled_from(
                [
                    a_container(f"{key.service}.{key.slot}", project=key.project),
                    a_container(
                        f"{key.service}.{key.slot}", project=key.project, health=Health.FAILURE
                    ),
                    exited(f"{key.service}.{key.slot}", project=key.project),
                ]
            )
        )
        for key in draw(st.lists(slots, max_size=3, unique=True))
    ]
    problems = tuple(
        a_problem(f"{key.service}.{key.slot}", project=key.project, definite=draw(st.booleans()))
        for key in draw(st.lists(slots, max_size=2, unique=True))
    )
    node = a_node(
        draw(indexes),
        *containers,
        state=draw(st.sampled_from(NodeState)),
        heard=draw(st.integers(0, 9)) > 0,
        problems=problems,
        address=draw(st.sampled_from(["10.0.0.1", "10.0.0.2"])),
        refusal=draw(st.sampled_from(["", "too old"])),
    )
    return draw(believed(node))


placements = st.builds(
    Placement,
    st.dictionaries(slots, indexes.map("n{}".format)),
    st.dictionaries(slots, st.sampled_from(["no room", "no node"])),
)


class Sources:
    """What views are made from, changed piece by piece."""

    def __init__(self) -> None:
        self.projects: dict[str, ProjectRecord] = {}
        self.nodes: dict[str, NodePicture] = {}
        self.placement = Placement()

    def change(self, data: st.DataObject) -> None:
        draw = data.draw
        match draw(st.integers(0, 7)):
            case 0 | 1:
                record = draw(records())
                self.projects[record.name] = record
            case 2:
                self.projects.pop(draw(projects), None)
            case 3 | 4:
                node = draw(nodes())
                self.nodes[node.name] = node
            case 5:
                name = f"n{draw(indexes)}"
                if name in self.nodes:
                    self.nodes[name] = draw(believed(self.nodes[name]))
            case 6:
                self.nodes.pop(f"n{draw(indexes)}", None)
            case 7:
                self.placement = draw(placements)

    def again(self, before: RolledUp) -> RolledUp:
        return roll_up_again(before, dict(self.projects), self.placement, self.nodes.values())


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_after_any_changes_views_are_those_of_a_full_roll_up(data: st.DataObject) -> None:
    sources, made = Sources(), [NOTHING]
    for number in data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=8)):
        for _ in range(number):
            sources.change(data)
        # Any earlier one will do: a pass starts from one that may be older than the newest.
        before = data.draw(st.sampled_from(made[-2:]))
        made.append(sources.again(before))
        full = roll_up(sources.projects.values(), sources.placement, sources.nodes.values())
        assert made[-1].views == full
        assert list(made[-1].views) == list(full)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The projects that are rolled up from now on."""
    done: list[str] = []

    def counted(
        wanted: Iterable[ProjectRecord], placement: Placement, nodes: Iterable[NodePicture]
    ) -> Any:
        records = list(wanted)
        done.extend(record.name for record in records)
        return roll_up(records, placement, nodes)

    monkeypatch.setattr(upkeep, "roll_up", counted)
    return done


def sources_of_three() -> Sources:
    sources = Sources()
    for name in PROJECTS:
        sources.projects[name] = a_project(a_service(), a_service("db"), name=name)
    for index in INDEXES:
        key = SlotKey(PROJECTS[index % 3], "web", 1)
        node = a_node(index, a_container("web.1", project=key.project), sequence=1)
        sources.nodes[node.name] = node
    sources.placement = Placement({slot("web.1", name): "n1" for name in PROJECTS})
    return sources


def test_only_what_a_change_is_about_is_rolled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = sources_of_three()
    first = sources.again(NOTHING)
    done = counting(monkeypatch)

    second = sources.again(first)
    assert done == []

    sources.projects["cms"] = a_project(a_service(scale=2), name="cms")
    third = sources.again(second)
    assert done == ["cms"]
    assert third.views["shop"] is first.views["shop"]

    done.clear()
    # n1 reports one container of `blog`; that it says so again touches nobody.
    sources.nodes["n1"] = a_node(1, a_container("web.1", project="blog"), sequence=2)
    fourth = sources.again(third)
    assert done == []
    sources.nodes["n1"] = a_node(1, exited("web.1", project="blog"), sequence=3)
    fifth = sources.again(fourth)
    assert done == ["blog"]

    done.clear()
    sources.placement = Placement({**sources.placement.assigned, slot("web.1", "shop"): "n2"})
    sources.again(fifth)
    assert done == ["shop"]


def test_a_node_that_falls_silent_touches_whom_it_has_and_whom_it_should_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = sources_of_three()
    sources.placement = Placement({slot("web.1", "cms"): "n1"})
    first = sources.again(NOTHING)
    done = counting(monkeypatch)
    sources.nodes["n1"] = replace(
        sources.nodes["n1"], state=NodeState.DOWN, silent_since="2026-11-23T12:00:00Z"
    )
    sources.again(first)
    assert sorted(done) == ["blog", "cms"]


@pytest.mark.parametrize("change", [{"refused_because": "too large"}, {"behind_since": "noon"}])
def test_a_ready_node_with_old_orders_touches_whom_it_has(
    monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    sources = sources_of_three()
    first = sources.again(NOTHING)
    done = counting(monkeypatch)
    sources.nodes["n2"] = replace(sources.nodes["n2"], **change)
    sources.again(first)
    assert done == ["cms"]
