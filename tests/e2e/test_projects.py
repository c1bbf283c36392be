"""A project's life over HTTP, checked against what the engines themselves say."""

import re
from typing import Any

from tests.e2e.world import IMAGE, SLEEP, World

HEALTHY = {"test": ["CMD", "true"], "interval": "1s", "timeout": "1s", "retries": 3}


def a_service(**more: Any) -> dict[str, Any]:
    return {"image": IMAGE, "command": SLEEP, **more}


def test_a_project_is_created_spread_shown_and_deleted_without_a_trace(world: World) -> None:
    template = (
        f"web:\r\n image: {IMAGE}\r\n command: sleep 1000\r\n labels:\r\n  aliyun.scale: '3'\r\n"
    )
    created = world.http("POST", "/projects/", {"name": "shop", "template": template})
    assert (created.status, created.headers["Location"], created.body) == (
        201,
        "/projects/shop",
        b"",
    )
    world.wait_for_state("shop", "running")

    assert world.names("shop_web") == ["/shop_web_1", "/shop_web_2", "/shop_web_3"]
    assert world.nodes_of("shop_web") == ["n1", "n2", "n3"]
    for identity, shown in world.containers("shop_web").items():
        assert re.fullmatch(r"[0-9a-f]{64}", identity)
        truth = world.inspect(shown["node_name"], identity)
        assert truth["Name"] == shown["name"]
        assert shown["node"] == world.node(shown["node_name"]).address
        assert shown["ip"] in {
            n["IPAddress"] for n in truth["NetworkSettings"]["Networks"].values()
        }
        assert (shown["running"], shown["status"], shown["health"]) == (True, "running", "success")

    assert world.http("DELETE", "/projects/shop").status == 409
    world.ok("DELETE", "/projects/shop?force=true&v=true")
    gone = world.http("GET", "/projects/shop")
    assert gone.status == 404
    assert "Not Found" in gone.body["message"]
    assert world.everything_of("shop") == []


def test_services_start_in_dependency_order_and_stop_in_reverse(world: World) -> None:
    world.deploy(
        "tiers",
        {
            "web": a_service(depends_on=["api"]),
            "api": a_service(links=["db"], healthcheck=HEALTHY),
            "db": a_service(healthcheck=HEALTHY),
        },
    )

    def moment(service: str, which: str) -> str:
        (identity, shown) = next(iter(world.containers(f"tiers_{service}").items()))
        when: str = world.inspect(shown["node_name"], identity)["State"][which]
        return when

    assert moment("db", "StartedAt") < moment("api", "StartedAt") < moment("web", "StartedAt")
    world.ok("POST", "/projects/tiers/stop?t=5")
    assert world.project("tiers")["current_state"] == "stopped"
    assert moment("web", "FinishedAt") < moment("api", "FinishedAt") < moment("db", "FinishedAt")

    world.ok("POST", "/projects/tiers/start")
    world.wait_for_state("tiers", "running")
    world.ok("POST", "/projects/tiers/kill")
    tiers = world.project("tiers")
    assert (tiers["desired_state"], tiers["current_state"]) == ("stopped", "stopped")
    identity, shown = next(iter(world.containers("tiers_web").items()))
    assert world.inspect(shown["node_name"], identity)["State"]["ExitCode"] == 137


def test_a_signal_that_ends_nothing_reaches_the_container_and_changes_no_state(
    world: World,
) -> None:
    script = "trap 'echo heard' USR1; echo listening; while :; do sleep 0.1; done"
    world.deploy("deaf", {"web": a_service(command=["sh", "-c", script])})
    identity, shown = next(iter(world.containers("deaf_web").items()))

    def says(word: bytes) -> bool:
        with world.node(shown["node_name"]).engine.client() as client:
            return word in client.api.logs(identity)

    world.wait_for(lambda: says(b"listening"), "the container has set its trap")
    world.ok("POST", "/services/deaf_web/kill?signal=SIGUSR1")
    world.wait_for(lambda: says(b"heard"), "the container hears USR1")
    assert world.service("deaf_web")["current_state"] == "running"
    assert list(world.containers("deaf_web")) == [identity]


def test_services_scale_up_and_down_and_host_ports_limit_them(world: World) -> None:
    world.deploy("wide", {"web": a_service(ports=["18080:80"]), "free": a_service()})
    world.ok("POST", "/services/wide_free/scale", {"type": "scale_to", "value": 5})
    assert len(world.names("wide_free")) == 5
    world.ok("POST", "/services/wide_free/scale", {"type": "scale_to", "value": 1})
    assert world.names("wide_free") == ["/wide_free_1"]

    world.ok("POST", "/services/wide_web/scale", {"type": "scale_to", "value": 3})
    assert world.nodes_of("wide_web") == ["n1", "n2", "n3"]
    refused = world.http("POST", "/services/wide_web/scale", {"type": "scale_to", "value": 4})
    assert refused.status == 500
    assert "18080" in refused.body["message"]
    world.ok("POST", "/services/wide_web/scale", {"type": "scale_to", "value": 2})
    assert world.service("wide_web")["current_state"] == "running"


def test_a_global_service_runs_on_every_node_and_is_not_scaled(world: World) -> None:
    world.deploy("all", {"agent": a_service(labels={"aliyun.global": "true"})})
    assert world.nodes_of("all_agent") == ["n1", "n2", "n3"]
    refused = world.http("POST", "/services/all_agent/scale", {"type": "scale_to", "value": 2})
    assert refused.status == 400
    assert "global" in refused.body["message"]


def test_a_missing_image_fails_the_wait_with_its_node_and_name(world: World) -> None:
    world.deploy("lost", {"web": {"image": "nowhere.invalid/web:1"}}, wait=False)
    refused = world.http("POST", "/projects/lost/start?wait=30")
    assert refused.status == 500
    assert (
        "image nowhere.invalid/web:1 cannot be pulled and is not on node n"
        in (refused.body["message"])
    )
    # Stuck as it is, it can be deleted.
    world.ok("DELETE", "/projects/lost?force=true")
    assert world.http("GET", "/projects/lost").status == 404


def test_a_port_that_somebody_else_holds_fails_the_wait_and_heals_when_it_is_free(
    world: World,
) -> None:
    with world.node("n1").engine.client() as client:
        foreign = client.containers.run(
            IMAGE, ["sleep", "1000"], ports={"80/tcp": 18081}, name="foreign", detach=True
        )
        try:
            web = a_service(ports=["18081:80"], environment=["constraint:node==n1"])
            world.deploy("port", {"web": web}, wait=False)
            refused = world.http("POST", "/projects/port/start?wait=30")
            assert refused.status == 500
            assert "18081" in refused.body["message"]
            assert "n1" in refused.body["message"]
        finally:
            foreign.remove(force=True)
    world.wait_for_state("port", "running")


def test_constraints_choose_nodes_and_say_why_none_fits(world: World) -> None:
    world.deploy("here", {"web": a_service(environment=["constraint:node==n2"])})
    assert world.nodes_of("here_web") == ["n2"]
    world.deploy("nowhere", {"web": a_service(environment=["constraint:node==n9"])}, wait=False)
    refused = world.http("POST", "/projects/nowhere/start")
    assert refused.status == 500
    assert "constraint node==n9" in refused.body["message"]


def test_services_of_a_project_find_each_other_by_name_on_a_node(world: World) -> None:
    where = ["constraint:node==n1"]
    page = "mkdir -p /www; echo hello from store >/www/index.html; httpd -f -p 80 -h /www"
    world.deploy(
        "talk",
        {
            "store": a_service(command=["sh", "-c", page], environment=where),
            "web": a_service(
                command=["sh", "-c", "while :; do wget -qO- http://store/; sleep 0.2; done"],
                environment=where,
                depends_on=["store"],
            ),
        },
    )
    identity = next(iter(world.containers("talk_web")))

    def greeted() -> bool:
        with world.node("n1").engine.client() as client:
            return b"hello from store" in client.api.logs(identity)

    world.wait_for(greeted, "web reads the store's page by the name `store`")


def test_a_redeploy_brings_back_what_was_removed_and_takes_a_newer_image(world: World) -> None:
    world.deploy("again", {"web": a_service(environment=["constraint:node==n1"])})
    before = next(iter(world.containers("again_web")))
    world.ok("POST", "/projects/again/redeploy")
    assert list(world.containers("again_web")) == [before]
    with world.node("n1").engine.client() as client:
        original = client.images.get(IMAGE)
        container = client.containers.create(IMAGE, ["true"])
        try:
            repository, _, tag = IMAGE.partition(":")
            container.commit(repository, tag, changes=["ENV NEWER=1"])
            world.ok("POST", "/projects/again/redeploy")
            world.wait_for_state("again", "running")
            after = next(iter(world.containers("again_web")))
        finally:
            original.tag(repository, tag)
            container.remove()
    assert after != before
