"""A template's way from the API to the engines: what it says arrives, what it can't is told."""

import json
from typing import Any

from docker.errors import NotFound

from tests.e2e.world import IMAGE, SLEEP, World

TEMPLATE: dict[str, Any] = {
    "version": "2.4",
    "x-common": {"image": IMAGE, "command": SLEEP, "stop_grace_period": "1s"},
    "services": {
        "web": {
            "image": "$IMAGE",
            "command": SLEEP,
            "labels": {"aliyun.scale": "2", "aliyun.routing.port_80": "shop", "own": "kept"},
            "tty": "${TTY}",
            "cap_add": ["NET_ADMIN"],
            "ulimits": {"nofile": {"soft": 2000, "hard": 4000}},
            "oom-kill-disable": True,
            "tmpfs": ["/run:size=1m"],
            "networks": {"front": {"aliases": ["www"]}, "back": None},
            "links": ["outside:db"],
            "volumes": ["files:/files"],
        },
        "outside": {"external": {"host": "10.1.2.3", "ports": [3306]}},
        "debug": {"image": IMAGE, "profiles": ["debug"]},
    },
    "networks": {"front": {"driver_opts": {"com.docker.network.driver.mtu": "1400"}}, "back": {}},
    "volumes": {"files": {"labels": {"a": "b"}}},
}


def _create(world: World, name: str, template: dict[str, Any]) -> Any:
    body = {
        "name": name,
        "template": json.dumps(template),
        "environment": {"IMAGE": IMAGE, "TTY": "true"},
    }
    return world.http("POST", "/projects/", body)


def test_a_template_reaches_the_engines_and_its_warnings_reach_the_user(world: World) -> None:
    created = _create(world, "shop", TEMPLATE)
    assert created.status == 201, created.body
    told = created.headers["X-Troopers-Warnings"]
    assert "aliyun." not in told
    assert "services.debug.profiles" in told
    world.wait_for_state("shop", "running")
    project = world.project("shop")
    assert [service["name"] for service in project["services"]] == ["web"]
    assert len(project["warnings"]) == 3
    assert world.service("shop_web")["extensions"]["routing"] == {"port_80": ["shop"]}

    for identity, container in world.containers("shop_web").items():
        shown = world.inspect(container["node_name"], identity)
        config, host = shown["Config"], shown["HostConfig"]
        assert (config["Tty"], config["Labels"]["own"]) == (True, "kept")
        assert host["CapAdd"] in (["NET_ADMIN"], ["CAP_NET_ADMIN"])
        assert host["OomKillDisable"] is True
        assert host["Ulimits"] == [{"Name": "nofile", "Soft": 2000, "Hard": 4000}]
        assert host["Tmpfs"] == {"/run": "size=1m"}
        assert set(host["ExtraHosts"]) == {"outside:10.1.2.3", "db:10.1.2.3"}
        networks = shown["NetworkSettings"]["Networks"]
        assert set(networks) == {"shop_front", "shop_back"}
        assert {"web", "www"} <= set(networks["shop_front"]["Aliases"])
        assert [mount["Name"] for mount in shown["Mounts"]] == ["shop_files"]


def test_what_cannot_be_honoured_is_refused_with_its_path(world: World) -> None:
    for keys, where in (
        ({"image": None, "build": "."}, "services.web.build"),
        ({"env_file": ".env"}, "services.web.env_file"),
        ({"ulimits": {"nofile": {"soft": 1}}}, "services.web.ulimits.nofile"),
        ({"imge": "x"}, "services.web.imge"),
    ):
        refused = _create(world, "bad", {"services": {"web": {"image": IMAGE, **keys}}})
        assert refused.status == 400
        assert refused.body["message"].startswith(f"{where}: ")
    assert world.http("GET", "/projects/bad").status == 404


def test_a_volume_that_is_declared_otherwise_is_kept_with_its_data_and_told_of(
    world: World,
) -> None:
    service = {
        **TEMPLATE["x-common"],
        "environment": ["constraint:node==n1"],
        "volumes": ["files:/files"],
        "networks": ["back"],
    }
    template = {"services": {"web": service}, "volumes": {"files": {}}, "networks": {"back": {}}}
    assert _create(world, "kept", template).status == 201
    world.wait_for_state("kept", "running")
    assert world.service("kept_web")["reasons"] == []
    with world.node("n1").engine.client() as client:
        (identity,) = world.containers("kept_web")
        client.containers.get(identity).exec_run(["sh", "-c", "echo mine > /files/it"])
    world.ok("DELETE", "/projects/kept?force=true")

    template["volumes"] = {"files": {"labels": {"a": "b"}}}
    template["networks"] = {"back": {"internal": True}}
    assert _create(world, "kept", template).status == 201
    world.wait_for_state("kept", "running")
    world.wait_for(
        lambda: "volume kept_files was made" in "; ".join(world.service("kept_web")["reasons"]),
        "the difference is told",
    )
    with world.node("n1").engine.client() as client:
        (identity,) = world.containers("kept_web")
        read = client.containers.get(identity).exec_run(["cat", "/files/it"])
        assert read.output == b"mine\n"
        assert client.networks.get("kept_back").attrs["Internal"]
    world.ok("DELETE", "/projects/kept?force=true&v=true")


def test_a_service_in_anothers_network_follows_it_when_it_is_made_anew(world: World) -> None:
    common = TEMPLATE["x-common"]
    services = {"app": common, "sidecar": {**common, "network_mode": "service:app"}}
    assert _create(world, "pair", {"services": services}).status == 201
    world.wait_for_state("pair", "running")

    (app,) = world.containers("pair_app")
    (node,) = world.nodes_of("pair_sidecar")
    assert _network_mode(world, node, "pair_sidecar_1") == f"container:{app}"
    with world.node(node).engine.client() as client:
        client.api.remove_container(app, force=True)

    def follows() -> bool:
        (new,) = world.containers("pair_app") or ("",)
        mode = _network_mode(world, node, "pair_sidecar_1")
        return new not in {"", app} and mode == f"container:{new}"

    world.wait_for(follows, "the sidecar lives in the new container")
    world.wait_for_state("pair", "running")


def _network_mode(world: World, node: str, container: str) -> str:
    try:
        mode: str = world.inspect(node, container)["HostConfig"]["NetworkMode"]
    except NotFound:
        # Between its removal and its creation.
        return ""
    return mode


def test_inline_secrets_reach_the_container_and_nobody_else(world: World) -> None:
    template = f"""
services:
  web:
    image: {IMAGE}
    command: ["sh", "-c", "cat /run/secrets/key /run/secrets/token /app.conf; echo; sleep 1000"]
    secrets: [key, token]
    configs: [{{source: conf, target: /app.conf}}]
secrets:
  key:
    content: inline-secret
  token:
    environment: TOKEN
configs:
  conf:
    content: "color=$COLOR"
"""
    environment = {"TOKEN": "secret-from-outside", "COLOR": "blue"}
    world.ok(
        "POST", "/projects/", {"name": "hush", "template": template, "environment": environment}
    )
    world.wait_for_state("hush", "running")
    ((identity, shown),) = world.containers("hush_web").items()
    with world.node(shown["node_name"]).engine.client() as client:
        read = b"inline-secretsecret-from-outsidecolor=blue"
        world.wait_for(lambda: read in client.api.logs(identity), "the container reads its files")
    told = str(world.project("hush")) + str(world.http("GET", "/services/").body)
    assert "inline-secret" not in told
    assert "secret-from-outside" not in told
    assert "color=$COLOR" in told
