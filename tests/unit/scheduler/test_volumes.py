"""Shared volumes and where containers that use them may be."""

from coordinator.placement.schedule import schedule
from schemas.names import SlotKey
from schemas.service import VolumeMount
from tests.unit.scheduler.builders import a_node, a_project, a_service

USES = (VolumeMount(type="cluster", source="nas/data", target="/x"),)
BROKEN = frozenset({"nas/data"})
SLOT = SlotKey("shop", "web", 1)


def test_nothing_new_goes_where_its_volume_does_not_work() -> None:
    project = a_project(a_service("web", volumes=USES, scale=2))
    nodes = [a_node(1, unfit_mounts=BROKEN), a_node(2)]
    placement = schedule([project], nodes, {})
    assert set(placement.assigned.values()) == {"n2"}


def test_a_service_without_the_volume_does_not_care() -> None:
    project = a_project(a_service("web", scale=2))
    placement = schedule([project], [a_node(1, unfit_mounts=BROKEN), a_node(2)], {})
    assert set(placement.assigned.values()) == {"n1", "n2"}


def test_the_explanation_names_the_volume() -> None:
    project = a_project(a_service("web", volumes=USES))
    placement = schedule([project], [a_node(1, unfit_mounts=BROKEN)], {})
    assert "nas/data" in placement.unplaced[SLOT]


def test_a_container_leaves_a_deserted_volume_and_stays_on_a_broken_one() -> None:
    project = a_project(a_service("web", volumes=USES))
    stuck = a_node(1, unfit_mounts=BROKEN)
    deserted = a_node(1, unfit_mounts=BROKEN, deserted_mounts=BROKEN)
    previous = {SLOT: "n1"}
    assert schedule([project], [stuck, a_node(2)], previous).assigned == previous
    moved = schedule([project], [deserted, a_node(2)], previous)
    assert moved.moved == {SLOT: ("n1", "n2")}
    frozen = schedule([project], [deserted, a_node(2)], previous, frozen=True)
    assert frozen.assigned == previous
