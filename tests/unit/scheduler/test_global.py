"""Global services: one slot on every node that is meant to have one."""

from schemas.states import State
from tests.unit.scheduler.builders import a_node, a_service, down, nodes, place, where, why


def test_every_node_has_a_slot_with_its_index() -> None:
    on = [a_node(3), a_node(7)]
    placement = place([a_service(is_global=True)], on)
    assert where(placement) == {"web.3": "n3", "web.7": "n7"}


def test_a_new_node_gets_a_slot_and_the_others_keep_theirs() -> None:
    previous = {"web.1": "n1", "web.2": "n2"}
    on = [down(1), a_node(2, is_cordoned=True), a_node(3)]
    placement = place([a_service(is_global=True, reschedule=True)], on, previous)
    assert where(placement) == {"web.1": "n1", "web.2": "n2", "web.3": "n3"}
    assert not placement.moved


def test_a_node_that_takes_nothing_new_is_no_failure() -> None:
    placement = place([a_service(is_global=True)], [down(1), a_node(2, is_cordoned=True)])
    assert not placement.assigned
    assert not placement.unplaced


def test_a_node_that_is_not_meant_is_no_failure() -> None:
    on = [a_node(1), a_node(2, labels={"group": "web"})]
    placement = place([a_service("web", "constraint:group==web", is_global=True)], on)
    assert where(placement) == {"web.2": "n2"}
    assert not placement.unplaced


def test_a_soft_expression_keeps_no_node_out() -> None:
    service = a_service("web", "constraint:node==~n1", is_global=True)
    assert len(place([service], nodes(2)).assigned) == 2


def test_a_node_without_room_is_reported() -> None:
    services = [a_service("web", is_global=True, ports=["80:80"]), a_service("a", ports=["80:80"])]
    placement = place(services, nodes(2), {"a.1": "n2"})
    assert where(placement) == {"a.1": "n2", "web.1": "n1"}
    assert why(placement) == {"web.2": "node n2 with port 80/tcp taken by shop_a_1"}


def test_global_services_are_placed_before_those_that_have_a_choice() -> None:
    services = [a_service("a", ports=["80:80"]), a_service("z", is_global=True, ports=["80:80"])]
    assert list(why(place(services, nodes(2)))) == ["a.1"]


def test_a_stopped_one_keeps_its_slots_and_gets_no_new_ones() -> None:
    service = a_service(is_global=True, state=State.STOPPED)
    assert where(place([service], nodes(2), {"web.1": "n1"})) == {"web.1": "n1"}


def test_a_service_that_becomes_global_gives_up_slots_with_the_wrong_number() -> None:
    placement = place([a_service(is_global=True)], nodes(2), {"web.1": "n2", "web.2": "n2"})
    assert where(placement) == {"web.1": "n1", "web.2": "n2"}


def test_it_follows_a_service_it_must_share_nodes_with() -> None:
    services = [
        a_service("agent", is_global=True, together_with=("app",)),
        a_service("app", "affinity:container==shop_z_1", scale=1),
        a_service("z", "constraint:node==n2"),
    ]
    assert where(place(services, nodes(3)))["agent.2"] == "n2"
    assert len(place(services, nodes(3)).assigned) == 3
