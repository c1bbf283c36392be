"""Processes die; what was accepted is finished and nothing that runs is touched."""

import pytest

from coordinator.failpoints import FAIL_VARIABLE
from tests.e2e.test_projects import a_service
from tests.e2e.world import World


def test_an_agent_that_is_killed_and_restarted_changes_no_container(world: World) -> None:
    world.deploy("calm", {"web": a_service(scale=6)})
    before = world.running("calm")
    assert len(before) == 6
    for node in world.cluster.nodes:
        node.agent.kill()
    for node in world.cluster.nodes:
        node.agent.restart()
    world.wait_for_nodes(3)
    # The agents work again: something new is placed everywhere.
    world.ok("POST", "/services/calm_web/scale", {"type": "scale_to", "value": 9})
    world.wait_for(lambda: len(world.running("calm")) == 9, "nine containers run")
    after = world.running("calm")
    assert before.items() <= after.items()


def test_an_agent_that_was_dead_during_a_change_catches_up(world: World) -> None:
    world.deploy("late", {"web": a_service(environment=["constraint:node==n1"])})
    world.node("n1").agent.kill()
    world.ok("POST", "/services/late_web/scale?wait=0", {"type": "scale_to", "value": 2})
    world.node("n1").agent.restart()
    world.wait_for(lambda: len(world.running("late")) == 2, "the second container runs")


@pytest.mark.parametrize(
    "point",
    ["before_record_put", "after_record_put", "before_desired_put", "after_desired_put"],
)
def test_a_coordinator_killed_anywhere_finishes_what_was_accepted(world: World, point: str) -> None:
    coordinator = world.cluster.coordinator
    coordinator.environment[FAIL_VARIABLE] = point
    try:
        coordinator.restart()
    finally:
        del coordinator.environment[FAIL_VARIABLE]
    world.wait_for_nodes(3)
    body = {
        "name": "kept",
        "template": f"web:\n  image: {a_service()['image']}\n  command: sleep 1000\n",
    }
    try:
        world.http("POST", "/projects/?wait=0", body)
    except OSError:
        was_cut = True
    else:
        was_cut = False
    world.wait_for(lambda: not coordinator.is_alive, "the coordinator is dead")
    coordinator.restart()
    if point == "before_record_put":
        assert was_cut
        assert world.http("GET", "/projects/kept").status == 404
        world.ok("POST", "/projects/", body)
    world.wait_for_state("kept", "running")
    assert len(world.running("kept")) == 1


def test_a_coordinator_restart_moves_and_restarts_nothing(world: World) -> None:
    world.deploy("calm", {"web": a_service(scale=5), "db": a_service()})
    before = world.running("calm")
    world.cluster.coordinator.kill()
    world.cluster.coordinator.restart()
    world.wait_for_nodes(3)
    world.wait_for_state("calm", "running")
    world.ok("POST", "/services/calm_db/scale", {"type": "scale_to", "value": 2})
    assert before.items() <= world.running("calm").items()


def test_everybody_survives_a_restart_of_the_bus(world: World) -> None:
    world.deploy("calm", {"web": a_service(scale=3)})
    before = world.running("calm")
    world.cluster.nats.kill()
    world.cluster.nats.restart()

    def scaled() -> bool:
        # Right after the start the coordinator may still say 503; a client tries again.
        answer = world.http("POST", "/services/calm_web/scale", {"type": "scale_to", "value": 4})
        assert answer.status in {200, 503}, answer
        return answer.status == 200

    world.wait_for(scaled, "a change right after the restart is accepted")
    world.wait_for(lambda: len(world.running("calm")) == 4, "the change is carried out")
    assert before.items() <= world.running("calm").items()


def test_containers_are_kept_healthy_while_the_bus_is_gone(world: World) -> None:
    world.deploy("alone", {"web": a_service(environment=["constraint:node==n1"])})
    (identity,) = world.running("alone")
    world.cluster.nats.kill()
    world.cluster.coordinator.kill()
    with world.node("n1").engine.client() as client:
        client.api.remove_container(identity, force=True)
    world.wait_for(
        lambda: bool(world.running("alone").keys() - {identity}), "the agent repairs by itself"
    )


def test_an_engine_that_is_restarted_gets_its_containers_back(world: World) -> None:
    world.deploy("calm", {"web": a_service(scale=3)})
    machine = world.node("n2").machine
    machine.dockerd.kill()
    world.wait_for(lambda: world.hosts()["n2"]["Status"] != "Healthy", "n2 is not healthy")
    machine.dockerd.restart()
    world.wait_for_nodes(3)
    world.wait_for_state("calm", "running")
    assert world.nodes_of("calm_web") == ["n1", "n2", "n3"]
