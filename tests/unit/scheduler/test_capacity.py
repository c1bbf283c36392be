"""Capacity: host ports, CPUs, memory."""

import pytest

from tests.unit.scheduler.builders import (
    MIB,
    a_node,
    a_service,
    down,
    nodes,
    place,
    where,
    why,
)

CLASHES = [
    ("80:80", "80:8080"),
    ("80:80", "0.0.0.0:80:80"),
    ("0.0.0.0:80:80", "10.0.0.1:80:80"),
    ("10.0.0.1:80:80", "80:80"),
    ("10.0.0.1:80:80", "10.0.0.1:80:80"),
    (":::80:80", "10.0.0.1:80:80"),
    ("53:53/udp", "53:53/udp"),
]
NO_CLASHES = [
    ("80:80", "81:80"),
    ("53:53/udp", "53:53/tcp"),
    ("10.0.0.1:80:80", "10.0.0.2:80:80"),
]


@pytest.mark.parametrize(("first", "second"), CLASHES)
def test_two_ports_clash(first: str, second: str) -> None:
    services = [a_service("a", ports=[first]), a_service("b", ports=[second])]
    assert sorted(where(place(services, nodes(2))).values()) == ["n1", "n2"]
    assert list(why(place(services, nodes(1)))) == ["b.1"]


@pytest.mark.parametrize(("first", "second"), NO_CLASHES)
def test_two_ports_do_not_clash(first: str, second: str) -> None:
    services = [a_service("a", ports=[first]), a_service("b", ports=[second])]
    assert not place(services, nodes(1)).unplaced


def test_a_service_with_a_fixed_port_gets_one_slot_per_node() -> None:
    placement = place([a_service(scale=3, ports=["80:80"])], nodes(2))
    assert where(placement) == {"web.1": "n1", "web.2": "n2"}
    assert why(placement) == {"web.3": "2 nodes with port 80/tcp taken by shop_web_1 and 1 more"}


def test_a_port_on_one_address_is_named_with_it() -> None:
    services = [a_service("a", ports=["80:80"]), a_service("b", ports=["10.0.0.1:80:80"])]
    assert why(place(services, nodes(1))) == {
        "b.1": "node n1 with port 10.0.0.1:80/tcp taken by shop_a_1"
    }


def test_kept_slots_hold_their_ports_before_new_ones_are_placed() -> None:
    services = [a_service("a", ports=["80:80"]), a_service("z", ports=["80:80"])]
    assert where(place(services, nodes(2), {"z.1": "n1"})) == {"a.1": "n2", "z.1": "n1"}


def test_slots_on_a_down_node_hold_ports_of_that_node_only() -> None:
    services = [a_service("a", ports=["80:80"]), a_service("b", ports=["80:80"])]
    assert where(place(services, [down(1), a_node(2)], {"a.1": "n1"}))["b.1"] == "n2"


def test_cpu_limits_are_reserved() -> None:
    placement = place([a_service(scale=4, cpus=0.5)], nodes(1, cpus=1.5))
    assert len(placement.assigned) == 3
    assert why(placement) == {"web.4": "node n1 without 0.5 cpus to spare"}


def test_tenths_of_cpus_add_up_exactly() -> None:
    assert not place([a_service(scale=30, cpus=0.1)], nodes(1, cpus=3.0)).unplaced


def test_memory_is_reserved_by_its_limit() -> None:
    placement = place(
        [a_service(scale=3, mem_limit_bytes=512 * MIB)], nodes(1, memory_bytes=1024 * MIB)
    )
    assert why(placement) == {"web.3": "node n1 without 512 MiB of memory to spare"}


def test_a_memory_reservation_counts_instead_of_the_limit() -> None:
    service = a_service(scale=4, mem_limit_bytes=512 * MIB, mem_reservation_bytes=256 * MIB)
    assert not place([service], nodes(1, memory_bytes=1024 * MIB)).unplaced


def test_a_node_that_does_not_say_what_it_has_is_not_limited() -> None:
    service = a_service(scale=9, cpus=64.0, mem_limit_bytes=1024 * 1024 * MIB)
    assert not place([service], nodes(1)).unplaced


def test_what_asks_for_nothing_fits_on_a_full_node() -> None:
    previous = {"a.1": "n1", "a.2": "n1"}
    services = [
        a_service("a", scale=2, cpus=1.0, mem_limit_bytes=MIB),
        a_service("b"),
    ]
    assert not place(services, nodes(1, cpus=1.0, memory_bytes=MIB), previous).unplaced
