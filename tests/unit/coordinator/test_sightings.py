"""When a container is believed, and when it fills its slot."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from coordinator.releases.groups import slot_groups
from coordinator.store.indexes import reports_by_project
from coordinator.store.nodes import NodePicture
from coordinator.views.sightings import (
    ContainerView,
    Sightings,
    doubt,
    is_completed,
    sightings,
    wanted_slots,
)
from schemas.current import ContainerCurrent
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.release import ServiceRecord
from schemas.service import Restart
from schemas.states import EngineState, Health, NodeState
from tests.builders import (
    ONCE,
    a_container,
    a_node,
    a_problem,
    a_project,
    a_service,
    exited,
    slot,
)

JOB = a_service("job", restart=ONCE)


def sighted(assigned: Mapping[SlotKey, str], *nodes: NodePicture) -> dict[str, Sightings]:
    """What these nodes report of `shop`."""
    reports = [(node, reports_by_project(node.current)) for node in nodes]
    found = sightings(assigned, [(node, by["shop"]) for node, by in reports if "shop" in by])
    return {key.service: each for key, each in found.items()}


def sight(node: NodePicture, assigned: dict[SlotKey, str] | None = None) -> ContainerView:
    known = {slot("web.1"): "n1"} if assigned is None else assigned
    (view,) = sighted(known, node)["web"].containers
    return view


def fills(container: ContainerCurrent, service: ServiceRecord) -> bool:
    view = ContainerView(container, node="n1", address="")
    return view.fills_slot(service, fingerprint(service.template.spec))


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        pytest.param(a_container(), True, id="running"),
        pytest.param(a_container(health=Health.SUCCESS), True, id="healthy"),
        pytest.param(a_container(health=Health.STARTING), False, id="not yet healthy"),
        pytest.param(a_container(health=Health.FAILURE), False, id="unhealthy"),
        pytest.param(a_container(status="paused"), False, id="paused"),
        pytest.param(a_container(status="restarting"), False, id="restarting"),
        pytest.param(a_container(status="created"), False, id="created"),
        pytest.param(exited(), False, id="exited"),
        pytest.param(a_container(stopping=True), False, id="being stopped"),
        pytest.param(a_container(fingerprint="other"), False, id="of another spec"),
    ],
)
def test_a_slot_is_filled_by_a_healthy_container_of_the_present_spec(
    container: ContainerCurrent, expected: bool
) -> None:
    assert fills(container, a_service()) is expected


@pytest.mark.parametrize(
    ("policy", "exit_code", "expected"),
    [
        ("no", 0, True),
        ("on-failure", 0, True),
        ("no", 1, False),
        ("default", 0, False),
        ("always", 0, False),
    ],
)
def test_a_run_once_container_fills_its_slot_once_it_has_ended_well(
    policy: str, exit_code: int, expected: bool
) -> None:
    service = a_service("job", restart=Restart.model_validate({"policy": policy}))
    container = exited("job.1", exit_code, of=service)
    assert is_completed(container, service) is expected
    assert fills(container, service) is expected


def test_a_run_once_container_of_another_spec_fills_nothing() -> None:
    assert not fills(exited("job.1", of=JOB, fingerprint="other"), JOB)


@pytest.mark.parametrize(
    ("node", "stale", "lost"),
    [
        pytest.param(a_node(1, a_container()), False, False, id="ready"),
        pytest.param(a_node(1, a_container(), state=NodeState.SUSPECT), True, False, id="suspect"),
        pytest.param(a_node(1, a_container(), state=NodeState.DOWN), True, True, id="down"),
        pytest.param(
            a_node(1, a_container(), engine=EngineState.UNRESPONSIVE),
            True,
            False,
            id="engine does not answer",
        ),
        pytest.param(
            a_node(1, a_container(), engine=EngineState.DOWN), True, True, id="engine is down"
        ),
    ],
)
def test_a_container_is_as_believable_as_its_node(
    node: NodePicture, stale: bool, lost: bool
) -> None:
    view = sight(node)
    assert (view.is_stale, view.is_lost) == (stale, lost)
    assert view.runs is not lost
    assert view.fills_slot(a_service(), view.current.fingerprint) is not lost


def test_a_node_that_is_back_is_believed_though_it_is_not_ready_at_once() -> None:
    back = replace(a_node(1, a_container(), state=NodeState.SUSPECT), silent_for_s=0.5)
    assert not sight(back).is_stale
    assert doubt(back) == "is suspect: it is heard, and takes nothing new yet"


def test_a_container_whose_slot_is_elsewhere_is_a_leftover_and_fills_nothing() -> None:
    view = sight(a_node(1, a_container()), {slot("web.1"): "n2"})
    assert view.is_leftover
    assert not view.fills_slot(a_service(), view.current.fingerprint)


def test_a_node_that_has_not_reported_shows_nothing() -> None:
    assert sighted({}, a_node(heard=False)) == {}


def test_containers_and_problems_are_sorted_by_service() -> None:
    nodes = [
        a_node(2, a_container("web.2"), problems=[a_problem("db.1")]),
        a_node(1, a_container("web.1")),
    ]
    seen = sighted({slot("db.1"): "n2"}, *nodes)
    assert [view.node for view in seen["web"].containers] == ["n1", "n2"]
    assert seen["web"].problems == ()
    assert [node for node, _ in seen["db"].problems] == ["n2"]


@pytest.mark.parametrize(
    ("assigned", "state"),
    [("n2", NodeState.READY), ("n1", NodeState.DOWN)],
    ids=["the slot is elsewhere", "the node is down"],
)
def test_a_problem_counts_only_where_the_slot_is_and_can_be_seen(
    assigned: str, state: NodeState
) -> None:
    node = a_node(1, state=state, problems=[a_problem()])
    assert sighted({slot("web.1"): assigned}, node) == {}


def test_a_service_wants_as_many_slots_as_its_scale() -> None:
    (group,) = slot_groups(a_project(a_service(scale=2)))
    assert wanted_slots(group, [slot("web.9")]) == (slot("web.1"), slot("web.2"))


def test_a_global_service_wants_the_slots_it_was_given() -> None:
    (group,) = slot_groups(a_project(a_service("log", is_global=True)))
    given = [slot("log.3"), slot("log.1")]
    assert wanted_slots(group, given) == (slot("log.1"), slot("log.3"))
