"""Rescheduling: a slot leaves a node that is down, if its service wants that and may."""

import pytest

from schemas.states import NodeState, State
from tests.unit.scheduler.builders import a_node, a_service, down, nodes, place, slot, where, why


def test_a_slot_moves_away_from_a_down_node() -> None:
    service = a_service(scale=2, reschedule=True)
    placement = place([service], [down(1), *nodes(3)[1:]], {"web.1": "n1", "web.2": "n2"})
    assert where(placement) == {"web.1": "n3", "web.2": "n2"}
    assert placement.moved == {slot("web.1"): ("n1", "n3")}
    assert not placement.unplaced


def test_without_the_policy_it_stays() -> None:
    placement = place([a_service()], [down(1), a_node(2)], {"web.1": "n1"})
    assert where(placement) == {"web.1": "n1"}
    assert not placement.unplaced


def test_while_frozen_it_stays_but_new_slots_are_placed() -> None:
    service = a_service(scale=2, reschedule=True)
    placement = place([service], [down(1), a_node(2)], {"web.1": "n1"}, frozen=True)
    assert where(placement) == {"web.1": "n1", "web.2": "n2"}
    assert not placement.moved


def test_a_stopped_service_does_not_move() -> None:
    service = a_service(reschedule=True, state=State.STOPPED)
    assert where(place([service], [down(1), a_node(2)], {"web.1": "n1"})) == {"web.1": "n1"}


@pytest.mark.parametrize(
    "known", [{"state": NodeState.SUSPECT}, {"is_cordoned": True}, {"engine_ready": False}]
)
def test_only_a_down_node_is_left(known: dict[str, object]) -> None:
    service = a_service(reschedule=True)
    placement = place([service], [a_node(1, **known), a_node(2)], {"web.1": "n1"})
    assert where(placement) == {"web.1": "n1"}


def test_a_slot_that_fits_nowhere_stays_and_says_why() -> None:
    service = a_service("web", "constraint:group==web", reschedule=True)
    placement = place([service], [down(1), a_node(2)], {"web.1": "n1"})
    assert where(placement) == {"web.1": "n1"}
    assert why(placement) == {"web.1": "1 node down; 1 node without constraint group==web"}
    assert not placement.moved


def test_some_move_and_the_rest_stay() -> None:
    service = a_service(scale=3, ports=["80:80"], reschedule=True)
    on = [down(1), down(2), a_node(3), a_node(4, is_cordoned=True)]
    previous = {"web.1": "n1", "web.2": "n2", "web.3": "n4"}
    placement = place([service], on, previous)
    assert where(placement) == {"web.1": "n3", "web.2": "n2", "web.3": "n4"}
    assert list(placement.moved) == [slot("web.1")]
    assert list(placement.unplaced) == [slot("web.2")]


def test_what_must_share_a_node_moves_along() -> None:
    services = [
        a_service("app", "constraint:node!=n2", reschedule=True),
        a_service("sidecar", together_with=("app",), reschedule=True),
    ]
    placement = place(services, [down(1), a_node(2), a_node(3)], {"app.1": "n1", "sidecar.1": "n1"})
    assert where(placement) == {"app.1": "n3", "sidecar.1": "n3"}


def test_a_zone_that_is_down_does_not_count_as_used() -> None:
    service = a_service(scale=2, zones_min=2, reschedule=True)
    on = [down(1, zone="a"), a_node(2, zone="b"), a_node(3, zone="b"), a_node(4, zone="c")]
    placement = place([service], on, {"web.1": "n1", "web.2": "n2"})
    assert where(placement) == {"web.1": "n4", "web.2": "n2"}


def test_after_the_move_the_old_node_returns_to_nothing() -> None:
    service = a_service(reschedule=True)
    moved = place([service], [down(1), a_node(2)], {"web.1": "n1"})
    assert where(place([service], nodes(2), where(moved))) == {"web.1": "n2"}
