"""Views that are kept are those of a roll-up of everything."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.store.nodes import NodePicture
from coordinator.store.placements import NOWHERE, Placement
from coordinator.views import projects as kept_views
from coordinator.views.projects import ProjectViews
from coordinator.views.rollup import ProjectView, roll_up, view_of
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
from tests.fakes.stores import a_store, know, remember
from tests.releases import KINDS, an_update, anywhere

PROJECTS = ("shop", "blog", "cms")
SLOTS = [
    SlotKey(p, service, n, in_set)
    for p in PROJECTS
    for service in ("web", "db")
    for n in (1, 2)
    for in_set in ("", "r2")
]
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
    if draw(st.booleans()):
        made = [a_service("web", scale=2, image="web:2").template, services[1].template]
        record = draw(anywhere(an_update(record, made, draw(KINDS))))
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
        ).model_copy(update={"set_name": key.set_name})
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
        self.store = a_store()
        self.views = ProjectViews(self.store)
        self.placement = Placement()

    def change(self, data: st.DataObject) -> None:
        draw = data.draw
        match draw(st.integers(0, 7)):
            case 0 | 1:
                self.record(draw(records()))
            case 2:
                self.store.projects.forget(draw(projects))
            case 3 | 4:
                know(self.store, draw(nodes()))
            case 5:
                known = self.store.known.get(f"n{draw(indexes)}")
                if known is not None:
                    know(self.store, draw(believed(known)))
            case 6:
                name = f"n{draw(indexes)}"
                self.store.nodes.forget(name)
                if draw(st.booleans()):
                    self.store.reports.forget(name)
            case 7:
                self.place(draw(placements))

    def record(self, record: ProjectRecord) -> None:
        remember(self.store.projects, record.name, record)

    def place(self, placement: Placement) -> None:
        self.placement = placement
        for name in PROJECTS:
            part = Placement(
                {key: node for key, node in placement.assigned.items() if key.project == name},
                {key: why for key, why in placement.unplaced.items() if key.project == name},
            )
            if self.store.placements.get(name, NOWHERE) != part:
                self.store.placements.set(name, part)

    def rolled_up(self) -> dict[str, ProjectView]:
        store = self.store
        return roll_up(store.projects.values(), self.placement, store.known.values())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_after_any_changes_views_are_those_of_a_full_roll_up(data: st.DataObject) -> None:
    sources = Sources()
    for number in data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=8)):
        for _ in range(number):
            sources.change(data)
            if data.draw(st.integers(0, 3)) == 0:
                # One is asked for before the others.
                name = data.draw(projects)
                assert sources.views.of(name) == sources.rolled_up().get(name)
        assert dict(sources.views.all()) == sources.rolled_up()
        assert not sources.views.has_work


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The projects that are rolled up from now on."""
    done: list[str] = []

    def counted(record: ProjectRecord, *args: Any, **options: Any) -> ProjectView:
        done.append(record.name)
        return view_of(record, *args, **options)

    monkeypatch.setattr(kept_views, "view_of", counted)
    return done


def sources_of_three() -> Sources:
    sources = Sources()
    for name in PROJECTS:
        sources.record(a_project(a_service(), a_service("db"), name=name))
    for index in INDEXES:
        key = SlotKey(PROJECTS[index % 3], "web", 1)
        know(sources.store, a_node(index, a_container("web.1", project=key.project), sequence=1))
    sources.place(Placement({slot("web.1", name): "n1" for name in PROJECTS}))
    sources.views.all()
    return sources


def test_only_what_a_change_is_about_is_rolled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = sources_of_three()
    first = dict(sources.views.all())
    done = counting(monkeypatch)
    sources.views.all()
    assert done == []

    sources.record(a_project(a_service(scale=2), name="cms"))
    assert sources.views.all()["shop"] is first["shop"]
    assert done == ["cms"]

    done.clear()
    # n1 reports one container of `blog`; that it says so again touches nobody.
    know(sources.store, a_node(1, a_container("web.1", project="blog"), sequence=2))
    sources.views.all()
    assert done == []
    know(sources.store, a_node(1, exited("web.1", project="blog"), sequence=3))
    sources.views.all()
    assert done == ["blog"]

    done.clear()
    sources.place(Placement({**sources.placement.assigned, slot("web.1", "shop"): "n2"}))
    sources.views.all()
    assert done == ["shop"]


def test_one_report_is_rolled_up_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = sources_of_three()
    done = counting(monkeypatch)
    know(sources.store, a_node(1, exited("web.1", project="blog"), sequence=3))
    for _ in range(3):
        sources.views.all()
        sources.views.of("blog")
        sources.views.refresh()
    assert done == ["blog"]


def test_a_node_that_falls_silent_touches_whom_it_has_and_whom_it_should_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = sources_of_three()
    sources.place(Placement({slot("web.1", "cms"): "n1"}))
    sources.views.all()
    done = counting(monkeypatch)
    silent = replace(
        sources.store.known["n1"], state=NodeState.DOWN, silent_since="2026-11-23T12:00:00Z"
    )
    know(sources.store, silent)
    sources.views.all()
    assert sorted(done) == ["blog", "cms"]


@pytest.mark.parametrize("change", [{"refused_because": "too large"}, {"behind_since": "noon"}])
def test_a_ready_node_with_old_orders_touches_whom_it_has(
    monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    sources = sources_of_three()
    done = counting(monkeypatch)
    know(sources.store, replace(sources.store.known["n2"], **change))
    sources.views.all()
    assert done == ["cms"]


@pytest.mark.parametrize("may_pass", [True, False])
def test_what_had_no_place_while_a_node_was_suspect_is_no_failure_before_it_is_tried_again(
    may_pass: bool,
) -> None:
    sources = Sources()
    sources.record(a_project(a_service(), name="shop"))
    know(sources.store, a_node(1))
    key = slot("web.1", "shop")
    sources.store.placements.set("shop", Placement({}, {key: "suspect"}, may_pass=may_pass))
    view = sources.views.of("shop")
    assert view is not None
    assert bool(view.services["web"].definite) is not may_pass
