"""A node goes silent, and comes back."""

import pytest

from tests.e2e.test_projects import a_service
from tests.e2e.world import World

pytestmark = pytest.mark.long

MOVABLE = ["reschedule:on-node-failure"]


def test_a_silent_node_is_suspect_then_down_and_only_movable_containers_leave(
    world: World,
) -> None:
    world.deploy(
        "fleet",
        {"web": a_service(scale=3, environment=MOVABLE), "db": a_service(scale=3)},
    )
    assert world.nodes_of("fleet_web") == ["n1", "n2", "n3"]
    machine = world.node("n3").machine
    machine.cut()
    try:
        world.wait_for(lambda: "suspect" in str(world.hosts()["n3"]), "n3 is suspect")
        world.wait_for(lambda: "down" in str(world.hosts()["n3"]), "n3 is down")
        world.wait_for(
            lambda: (
                sum(
                    c["node_name"] != "n3" and c["running"]
                    for c in world.containers("fleet_web").values()
                )
                == 3
            ),
            "web runs three times without n3",
        )
        db = world.service("fleet_db")
        assert db["current_state"] == "starting"
        assert any("n3" in reason for reason in db["reasons"])
        assert sorted(c["node_name"] for c in db["containers"].values()) == ["n1", "n2", "n3"]
    finally:
        machine.heal()
    world.wait_for_nodes(3)
    world.wait_for_state("fleet", "running")
    world.wait_for(
        lambda: len(world.running("fleet")) == 6 and len(world.names("fleet_web")) == 3,
        "n3 has dropped what moved, and says so",
    )
    assert "n3" not in world.nodes_of("fleet_web")


def test_a_short_silence_moves_nothing(world: World) -> None:
    world.deploy("calm", {"web": a_service(scale=3, environment=MOVABLE)})
    before = world.running("calm")
    machine = world.node("n3").machine
    machine.cut()
    try:
        world.wait_for(lambda: "suspect" in str(world.hosts()["n3"]), "n3 is suspect")
    finally:
        machine.heal()
    world.wait_for_nodes(3)
    assert world.running("calm") == before


def test_two_of_three_nodes_gone_at_once_move_nothing(world: World) -> None:
    world.deploy("calm", {"web": a_service(scale=3, environment=MOVABLE)})
    machines = [world.node(name).machine for name in ("n2", "n3")]
    for machine in machines:
        machine.cut()
    try:
        world.wait_for(
            lambda: all("down" in str(world.hosts()[name]) for name in ("n2", "n3")),
            "both are down",
        )
        on_n1 = [c for c in world.containers("calm_web").values() if c["node_name"] == "n1"]
        assert len(on_n1) == 1
    finally:
        for machine in machines:
            machine.heal()
    world.wait_for_nodes(3)
    world.wait_for_state("calm", "running")


def test_a_project_with_an_unreachable_part_is_deleted_by_force_and_the_node_catches_up(
    world: World,
) -> None:
    world.deploy("gone", {"web": a_service(scale=3)})
    machine = world.node("n3").machine
    machine.cut()
    try:
        world.wait_for(lambda: "down" in str(world.hosts()["n3"]), "n3 is down")
        world.ok("DELETE", "/projects/gone?force=true")
        assert world.http("GET", "/projects/gone").status == 404
    finally:
        machine.heal()
    world.wait_for(lambda: world.everything_of("gone") == [], "n3 has dropped its part")
