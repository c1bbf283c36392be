"""Placing: what stays, what is new, and which node is the best."""

import pytest

from coordinator.placement.schedule import schedule
from schemas.states import NodeState, State
from tests.unit.scheduler.builders import (
    MIB,
    a_node,
    a_project,
    a_service,
    down,
    nodes,
    place,
    slot,
    where,
    why,
)


def test_every_slot_of_every_service_gets_a_node() -> None:
    placement = place([a_service("web", scale=2), a_service("db")], nodes(3))
    assert sorted(where(placement)) == ["db.1", "web.1", "web.2"]
    assert not placement.unplaced
    assert not placement.moved


def test_slots_spread_evenly() -> None:
    placed = list(where(place([a_service(scale=7)], nodes(3))).values())
    assert sorted(placed.count(f"n{i}") for i in (1, 2, 3)) == [2, 2, 3]


def test_services_spread_against_each_other() -> None:
    placement = place([a_service(name) for name in ("a", "b", "c")], nodes(3))
    assert where(placement) == {"a.1": "n1", "b.1": "n2", "c.1": "n3"}


def test_the_node_with_the_smallest_reserved_share_is_preferred() -> None:
    on = [a_node(1, cpus=2.0), a_node(2, cpus=8.0)]
    services = [a_service("a", cpus=1.0), a_service("b", cpus=1.0), a_service("c", cpus=1.0)]
    placement = place(services, on)
    assert where(placement) == {"a.1": "n1", "b.1": "n2", "c.1": "n2"}


def test_the_scarcer_of_cpus_and_memory_counts() -> None:
    on = nodes(2, cpus=4.0, memory_bytes=1000 * MIB)
    previous = {"a.1": "n1", "b.1": "n2"}
    services = [
        a_service("a", cpus=0.1, mem_limit_bytes=900 * MIB),
        a_service("b", cpus=2.0, mem_limit_bytes=10 * MIB),
        a_service("c"),
    ]
    assert where(place(services, on, previous))["c.1"] == "n2"


def test_the_fewest_slots_of_the_service_count_before_load() -> None:
    previous = {"web.1": "n1", "db.1": "n2"}
    services = [a_service("web", scale=2), a_service("db", cpus=3.0)]
    assert where(place(services, nodes(2, cpus=4.0), previous))["web.2"] == "n2"


def test_what_is_placed_stays_although_it_is_uneven() -> None:
    previous = {"web.1": "n1", "web.2": "n1", "web.3": "n1"}
    assert where(place([a_service(scale=3)], nodes(3), previous)) == previous


def test_a_constraint_acts_on_new_slots_only() -> None:
    on = [a_node(1), a_node(2, labels={"group": "web"})]
    service = a_service("web", "constraint:group==web", scale=2)
    assert where(place([service], on, {"web.1": "n1"})) == {"web.1": "n1", "web.2": "n2"}


def test_scaling_down_drops_the_highest_slots() -> None:
    previous = {"web.1": "n1", "web.2": "n2", "web.3": "n3"}
    placement = place([a_service(scale=2)], nodes(3), previous)
    assert where(placement) == {"web.1": "n1", "web.2": "n2"}


def test_a_scale_of_zero_wants_nothing() -> None:
    placement = place([a_service(scale=0)], nodes(1), {"web.1": "n1"})
    assert not placement.assigned
    assert not placement.unplaced


def test_a_deleted_project_wants_nothing() -> None:
    project = a_project(a_service(), state=State.DELETED)
    placement = schedule([project], nodes(1), {slot("web.1"): "n1"})
    assert not placement.assigned
    assert not placement.unplaced


def test_a_stopped_service_keeps_its_slots_and_gets_no_new_ones() -> None:
    service = a_service(scale=2, state=State.STOPPED)
    placement = place([service], nodes(2), {"web.2": "n2"})
    assert where(placement) == {"web.2": "n2"}
    assert not placement.unplaced


def test_a_stopped_service_still_holds_its_ports() -> None:
    services = [
        a_service("a", ports=["80:80"], state=State.STOPPED),
        a_service("b", ports=["80:80"]),
    ]
    assert why(place(services, nodes(1), {"a.1": "n1"})) == {
        "b.1": "node n1 with port 80/tcp taken by shop_a_1"
    }


def test_a_slot_of_a_node_that_left_the_cluster_is_placed_anew() -> None:
    placement = place([a_service(scale=2)], nodes(2), {"web.1": "gone", "web.2": "n2"})
    assert where(placement) == {"web.1": "n1", "web.2": "n2"}
    assert not placement.moved


def test_a_stopped_slot_of_a_node_that_left_has_no_node() -> None:
    placement = place([a_service(state=State.STOPPED)], nodes(2), {"web.1": "gone"})
    assert not placement.assigned
    assert not placement.unplaced


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"state": NodeState.DOWN}, "down"),
        ({"state": NodeState.SUSPECT}, "suspect"),
        ({"is_cordoned": True}, "cordoned"),
        ({"engine_ready": False}, "without a ready engine"),
    ],
)
def test_a_node_that_is_not_open_keeps_its_slots_and_takes_no_new_ones(
    known: dict[str, object], reason: str
) -> None:
    placement = place([a_service(scale=2)], [a_node(1, **known)], {"web.1": "n1"})
    assert where(placement) == {"web.1": "n1"}
    assert why(placement) == {"web.2": f"node n1 {reason}"}


def test_without_nodes_the_reason_says_so() -> None:
    assert why(place([a_service()], [])) == {"web.1": "the cluster has no nodes"}


def test_reasons_are_counted_and_the_most_frequent_comes_first() -> None:
    on = [
        down(1),
        a_node(2),
        a_node(3, labels={"group": "db"}),
        a_node(4, labels={"group": "web"}),
        a_node(5, is_cordoned=True),
    ]
    services = [
        a_service("a", "constraint:node==n4", ports=["8080:80"]),
        a_service("web", "constraint:group==web", ports=["8080:80"]),
    ]
    assert why(place(services, on)) == {
        "web.1": "2 nodes without constraint group==web; 1 node cordoned; 1 node down; "
        "1 node with port 8080/tcp taken by shop_a_1"
    }


def test_all_slots_that_fail_alike_get_the_same_reason() -> None:
    placement = place([a_service(scale=3, ports=["80:80"])], nodes(1))
    assert where(placement) == {"web.1": "n1"}
    assert why(placement) == dict.fromkeys(
        ["web.2", "web.3"], "node n1 with port 80/tcp taken by shop_web_1"
    )


def test_results_are_sorted() -> None:
    projects = [a_project(a_service(scale=12), name=name) for name in ("b", "a")]
    placement = schedule(projects, nodes(2), {})
    assert list(placement.assigned) == sorted(placement.assigned)
