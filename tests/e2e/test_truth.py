"""What happens on a node behind the agent's back is seen, shown and repaired."""

from tests.e2e.test_projects import a_service
from tests.e2e.world import World


def test_a_killed_container_is_started_again(world: World) -> None:
    world.deploy("shop", {"web": a_service()})
    identity, shown = next(iter(world.containers("shop_web").items()))
    before = world.inspect(shown["node_name"], identity)["State"]["StartedAt"]
    with world.node(shown["node_name"]).engine.client() as client:
        client.api.kill(identity)
    world.wait_for(
        lambda: world.running("shop").get(identity, ("", before))[1] != before,
        "the container was started again",
    )
    world.wait_for_state("shop", "running")


def test_a_removed_container_is_created_again(world: World) -> None:
    world.deploy("shop", {"web": a_service()})
    identity, shown = next(iter(world.containers("shop_web").items()))
    with world.node(shown["node_name"]).engine.client() as client:
        client.api.remove_container(identity, force=True)
    world.wait_for(
        lambda: bool(world.running("shop")) and identity not in world.running("shop"),
        "another container runs in its place",
    )
    world.wait_for_state("shop", "running")
    assert world.names("shop_web") == ["/shop_web_1"]


def test_a_container_that_turns_unhealthy_is_shown_and_restarted(world: World) -> None:
    check = {"test": ["CMD", "test", "!", "-e", "/tmp/sick"], "interval": "1s", "retries": 1}
    script = "rm -f /tmp/sick; trap 'exit 0' TERM; sleep 86400 & wait"
    world.deploy("sick", {"web": a_service(healthcheck=check, command=["sh", "-c", script])})
    identity, shown = next(iter(world.containers("sick_web").items()))
    before = world.inspect(shown["node_name"], identity)["State"]["StartedAt"]
    with world.node(shown["node_name"]).engine.client() as client:
        run = client.api.exec_create(identity, ["touch", "/tmp/sick"])
        client.api.exec_start(run["Id"])
    world.wait_for(
        lambda: world.running("sick").get(identity, ("", before))[1] != before,
        "the unhealthy container was restarted",
    )
    world.wait_for_state("sick", "running")


def test_a_crash_loop_backs_off_and_says_so(world: World) -> None:
    world.deploy("crash", {"web": a_service(command=["sh", "-c", "exit 3"])}, wait=False)

    def shown() -> bool:
        service = world.service("crash_web")
        counts = [c["fail_count"] for c in service["containers"].values()]
        return (
            any(count >= 3 for count in counts)
            and any("code 3" in reason for reason in service["reasons"])
            and service["current_state"] == "starting"
        )

    world.wait_for(shown, "three failures are shown with a reason")
    world.ok("POST", "/projects/crash/stop")
    assert world.project("crash")["current_state"] == "stopped"


def test_a_container_that_is_not_ours_is_never_touched(world: World) -> None:
    world.deploy("shop", {"web": a_service()})
    with world.node("n1").engine.client() as client:
        foreign = client.containers.run(
            "troopers-test/busybox:1", ["sleep", "1000"], name="foreign", detach=True
        )
        try:
            world.ok("DELETE", "/projects/shop?force=true&v=true")
            foreign.reload()
            assert foreign.status == "running"
        finally:
            foreign.remove(force=True)


def test_a_run_once_service_that_has_ended_well_is_not_run_again(world: World) -> None:
    world.deploy(
        "job",
        {
            "migrate": a_service(command=["true"], restart="no"),
            "web": a_service(depends_on=["migrate"]),
        },
    )
    assert world.service("job_migrate")["current_state"] == "stopped"
    (container,) = world.containers("job_migrate").values()
    assert (container["status"], container["fail_count"]) == ("exited", 0)
