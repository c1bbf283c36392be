"""Constraints, affinities, sharing a node, and spreading over zones."""

import pytest

from coordinator.placement.schedule import NodeView, schedule
from schemas.states import State
from tests.unit.scheduler.builders import (
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

LABELLED = [
    a_node(1, labels={"group": "db", "az": "label"}, zone="east"),
    a_node(2, labels={"group": "web"}, zone="west"),
    a_node(3, zone="south"),
]
CHOSEN = [
    ("constraint:node==n2", "n2"),
    ("constraint:node!=(n1|n2)", "n3"),
    ("constraint:aliyun.node_index==3", "n3"),
    ("constraint:aliyun.node_index!=(1|3)", "n2"),
    ("constraint:group==web", "n2"),
    ("constraint:group==", "n3"),
    ("constraint:group!=/./", "n3"),
    ("constraint:zone==south", "n3"),
    ("constraint:az==west", "n2"),
    ("constraint:az==label", "n1"),
    ("constraint:group==~web", "n2"),
]


@pytest.mark.parametrize(("text", "node"), CHOSEN)
def test_a_constraint_chooses_a_node(text: str, node: str) -> None:
    assert where(place([a_service("web", text)], LABELLED)) == {"web.1": node}


def test_all_expressions_must_hold() -> None:
    service = a_service("web", "constraint:group!=db", "constraint:node==/[13]/")
    assert where(place([service], LABELLED)) == {"web.1": "n3"}


def test_a_soft_expression_is_dropped_when_no_node_is_left() -> None:
    service = a_service("web", "constraint:group==~none", "constraint:group==db")
    assert where(place([service], LABELLED)) == {"web.1": "n1"}


def test_soft_expressions_are_dropped_slot_by_slot() -> None:
    service = a_service("web", "constraint:group==~web", scale=2, ports=["80:80"])
    assert where(place([service], LABELLED)) == {"web.1": "n2", "web.2": "n1"}


def test_an_unusable_pattern_places_nothing_and_says_why() -> None:
    placement = place([a_service("web", "constraint:node!=/(/")], nodes(2))
    assert why(placement) == {
        "web.1": "2 nodes can't be tested with constraint node!=/(/: unbalanced ("
    }
    placement = place([a_service("web", "affinity:service!=/(/")], nodes(1))
    assert why(placement) == {
        "web.1": "node n1 can't be tested with affinity service!=/(/: unbalanced ("
    }


@pytest.mark.parametrize(
    "text",
    [
        "affinity:service==db",
        "affinity:service==shop_db",
        "affinity:service==d*",
        "affinity:service==/^shop_d/",
        "affinity:container==shop_db_1",
        "affinity:container==shop_db*",
        "affinity:image==mysql",
        "affinity:image==mysql:8",
        "affinity:image==~mysql",
        "affinity:role==store",
        "affinity:service!=other",
    ],
)
def test_an_affinity_puts_a_container_near_another(text: str) -> None:
    services = [
        a_service("app", text),
        a_service("db", image="mysql:8", labels={"role": "store"}),
        a_service("other"),
    ]
    previous = {"db.1": "n2", "other.1": "n1"}
    assert where(place(services, nodes(2), previous))["app.1"] == "n2"


@pytest.mark.parametrize(
    "text",
    [
        "affinity:service!=db",
        "affinity:service!=~db",
        "affinity:container!=shop_db_*",
        "affinity:image!=mysql",
        "affinity:role!=store",
    ],
)
def test_an_anti_affinity_keeps_a_container_away(text: str) -> None:
    services = [
        a_service("app", text),
        a_service("db", image="mysql:8", labels={"role": "store"}),
        a_service("other"),
    ]
    previous = {"db.1": "n1", "other.1": "n2"}
    assert where(place(services, nodes(2), previous))["app.1"] == "n2"


@pytest.mark.parametrize(
    ("image", "text"),
    [
        ("host:5000/redis", "affinity:image==host:5000/redis"),
        ("host:5000/redis:7", "affinity:image==host:5000/redis"),
        ("redis@sha256:12", "affinity:image==redis"),
    ],
)
def test_an_image_of_a_container_is_found_without_its_tag(image: str, text: str) -> None:
    services = [a_service("web", text), a_service("db", image=image), a_service("other")]
    previous = {"db.1": "n2", "other.1": "n1"}
    assert where(place(services, nodes(2), previous))["web.1"] == "n2"


def test_a_service_is_placed_after_the_one_it_wants_to_be_near_to() -> None:
    services = [
        a_service("app", "affinity:service==db"),
        a_service("db", "constraint:node==n2"),
    ]
    assert where(place(services, nodes(2))) == {"app.1": "n2", "db.1": "n2"}


def test_a_service_of_another_project_is_named_in_full() -> None:
    app = a_project(a_service("app", "affinity:service==shop_db"), name="a")
    shop = a_project(a_service("db", "constraint:node==n2"))
    placement = schedule([app, shop], nodes(2), {})
    assert placement.assigned[slot("app.1", "a")] == "n2"
    short = a_project(a_service("app", "affinity:service==db"), name="a")
    assert slot("app.1", "a") in schedule([short, shop], nodes(2), {}).unplaced
    pattern = a_project(a_service("app", "affinity:service==*_db"), name="a")
    assert schedule([pattern, shop], nodes(2), {}).assigned[slot("app.1", "a")] == "n2"


def test_company_that_arrives_later_in_the_same_run_is_found() -> None:
    services = [
        a_service("a", "affinity:container==shop_z_1"),
        a_service("b", "affinity:container==shop_a_1"),
        a_service("z", "constraint:node==n2"),
    ]
    assert set(where(place(services, nodes(3))).values()) == {"n2"}


def test_an_affinity_to_what_is_placed_nowhere_is_explained() -> None:
    assert why(place([a_service("app", "affinity:service==db")], nodes(3))) == {
        "app.1": "3 nodes without affinity service==db (placed nowhere)"
    }
    services = [a_service("app", "affinity:service==db"), a_service("db")]
    on = [down(1), a_node(2)]
    assert why(place(services, on, {"db.1": "n1"})) == {
        "app.1": "1 node down; 1 node without affinity service==db"
    }
    stopped = [a_service("app", "affinity:service==db"), a_service("db", state=State.STOPPED)]
    assert "placed nowhere" in why(place(stopped, nodes(1)))["app.1"]


def test_an_anti_affinity_that_excludes_everything_is_explained() -> None:
    services = [a_service("app", "affinity:service!=db"), a_service("db")]
    placement = place(services, nodes(1), {"db.1": "n1"})
    assert why(placement) == {"app.1": "node n1 excluded by affinity service!=db"}
    services = [a_service("app", "affinity:image!=mysql"), a_service("db", image="mysql")]
    placement = place(services, nodes(1), {"db.1": "n1"})
    assert why(placement) == {"app.1": "node n1 excluded by affinity image!=mysql"}
    services = [a_service("app", "affinity:container!=shop_db_1"), a_service("db")]
    placement = place(services, nodes(1), {"db.1": "n1"})
    assert why(placement) == {"app.1": "node n1 excluded by affinity container!=shop_db_1"}


@pytest.mark.parametrize("text", ["affinity:service!=web", "affinity:container!=shop_web_*"])
def test_a_service_that_avoids_itself_gets_one_slot_per_node(text: str) -> None:
    placement = place([a_service("web", text, scale=3)], nodes(2))
    assert where(placement) == {"web.1": "n1", "web.2": "n2"}
    assert list(why(placement)) == ["web.3"]


def test_a_service_that_wants_to_be_near_itself_starts_anywhere_and_stays_there() -> None:
    placement = place([a_service("web", "affinity:service==web", scale=3)], nodes(3))
    assert where(placement) == {"web.1": "n1", "web.2": "n1", "web.3": "n1"}


def test_services_that_want_each_other_wait_for_a_first_one() -> None:
    services = [a_service("a", "affinity:service==b"), a_service("b", "affinity:service==~a")]
    placement = place(services, nodes(2))
    assert len(set(where(placement).values())) == 1
    assert not placement.unplaced


def test_slots_that_share_a_node_are_paired_by_number() -> None:
    services = [
        a_service("app", scale=3),
        a_service("sidecar", scale=3, together_with=("app",)),
    ]
    previous = {"app.1": "n3", "app.2": "n1", "app.3": "n2"}
    placed = where(place(services, nodes(4), previous))
    assert [placed[f"sidecar.{i}"] for i in (1, 2, 3)] == ["n3", "n1", "n2"]


def test_a_slot_without_a_pair_still_shares_a_node_with_the_service() -> None:
    services = [a_service("app"), a_service("sidecar", scale=2, together_with=("app",))]
    placement = place(services, nodes(3), {"app.1": "n2"})
    assert set(where(placement).values()) == {"n2"}


def test_a_shared_node_needs_all_the_services() -> None:
    services = [
        a_service("a"),
        a_service("b"),
        a_service("c", together_with=("a", "b")),
    ]
    placement = place(services, nodes(3), {"a.1": "n1", "b.1": "n2"})
    assert why(placement) == {"c.1": "2 nodes without shop_a; 1 node without shop_b"}


def zoned(*zones: str) -> list[NodeView]:
    return [a_node(index, zone=zone) for index, zone in enumerate(zones, start=1)]


def test_slots_spread_over_zones_before_they_spread_over_nodes() -> None:
    on = zoned("a", "a", "a", "b", "c")
    placed = where(place([a_service(scale=6, zones_min=3)], on))
    assert sorted(placed.values()) == ["n1", "n2", "n4", "n4", "n5", "n5"]


def test_too_few_zones_place_nothing() -> None:
    on = [*zoned("a", "a"), a_node(3, zone="b", is_cordoned=True), a_node(4)]
    placement = place([a_service(scale=2, zones_min=2)], on)
    assert not placement.assigned
    assert set(why(placement).values()) == {
        (
            "2 nodes in too few zones for availability:az==2: 1 usable; 1 node cordoned; "
            "1 node without a zone, needed for availability:az==2"
        )
    }


def test_a_zone_that_a_constraint_excludes_does_not_count() -> None:
    service = a_service("web", "constraint:zone==a", zones_min=2)
    assert not place([service], zoned("a", "b")).assigned


def test_until_enough_zones_are_used_only_another_zone_will_do() -> None:
    on = [a_node(1, zone="a"), a_node(2, zone="b", cpus=0.5)]
    placement = place([a_service(scale=3, zones_min=2, cpus=1.0)], on)
    assert where(placement) == {"web.1": "n1"}
    assert why(placement)["web.2"] == (
        "1 node in a zone that availability:az==2 already uses; 1 node without 1 cpus to spare"
    )


def test_once_enough_zones_are_used_any_of_them_will_do() -> None:
    on = [a_node(1, zone="a"), a_node(2, zone="b", cpus=1.0)]
    placement = place([a_service(scale=4, zones_min=2, cpus=1.0)], on)
    assert sorted(where(placement).values()) == ["n1", "n1", "n1", "n2"]


def test_a_soft_spread_does_its_best() -> None:
    placement = place([a_service(scale=2, zones_min=3, zones_soft=True)], zoned("a", "a", "b"))
    assert where(placement) == {"web.1": "n1", "web.2": "n3"}
    placement = place([a_service(scale=2, zones_min=3, zones_soft=True)], nodes(2))
    assert len(placement.assigned) == 2
