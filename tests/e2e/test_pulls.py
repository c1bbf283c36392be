"""Which image runs: a registry on every node's loopback, and tags that move."""

from typing import Any

from tests.e2e.conftest import REFERENCE, Push
from tests.e2e.test_projects import a_service
from tests.e2e.world import World
from tests.registry import Registry

NODES = ["n1", "n2", "n3"]
NEWEST = {"aliyun.scale": "3", "aliyun.latest_image": "true"}


def images(world: World, project: str) -> dict[str, str]:
    """By node, what runs there, as the engines say."""
    found: dict[str, str] = {}
    filters = {"label": f"troopers.project={project}", "status": "running"}
    for node in world.cluster.nodes:
        with node.engine.client() as client:
            for listed in client.api.containers(filters=filters):
                assert found.setdefault(node.name, listed["ImageID"]) == listed["ImageID"]
    return found


def everywhere(image: str) -> dict[str, str]:
    return dict.fromkeys(NODES, image)


def a_web(**more: Any) -> dict[str, Any]:
    return a_service(image=REFERENCE, **more)


def test_a_redeploy_runs_what_was_pushed_last_under_the_same_tag(world: World, push: Push) -> None:
    first = push("1")
    world.deploy(
        "pulls",
        {"newest": a_web(labels=NEWEST), "plain": a_web(environment=["constraint:node==n1"])},
    )
    plain = set(world.containers("pulls_plain"))
    assert images(world, "pulls") == everywhere(first)

    second = push("2")
    world.ok("POST", "/services/pulls_newest/stop")
    world.ok("POST", "/services/pulls_newest/start")
    assert images(world, "pulls") == everywhere(first)

    world.ok("POST", "/projects/pulls/redeploy")
    assert images(world, "pulls") == everywhere(second)
    assert set(world.containers("pulls_plain")) != plain

    before = world.running("pulls")
    world.ok("POST", "/projects/pulls/redeploy")
    assert world.running("pulls") == before


def test_a_project_may_ask_for_the_newest_images_when_it_is_created(
    world: World, push: Push
) -> None:
    old = push("1")
    world.deploy("old", {"web": a_web(labels={"aliyun.global": "true"})})
    new = push("2")
    template = (
        f"web: {{image: '{REFERENCE}', command: sleep 1000, labels: {{aliyun.global: true}}}}"
    )
    body = {"name": "new", "template": template, "latest_image": True}
    world.ok("POST", "/projects/", body)
    world.wait_for_state("new", "running")
    assert images(world, "new") == everywhere(new)
    assert images(world, "old") == everywhere(old)


def test_without_the_registry_a_service_of_the_newest_image_keeps_its_containers_and_says_why(
    world: World, push: Push, registries: dict[str, Registry]
) -> None:
    push("1")
    world.deploy("kept", {"web": a_web(labels=NEWEST)})
    on_n2 = {i: each for i, each in world.running("kept").items() if each[0] == "n2"}
    newest = push("2")
    registries["n2"].stop()

    # The first failure may pass within the wait; the second one is told.
    refused = world.http("POST", "/projects/kept/redeploy?wait=30")
    assert refused.status == 500
    message = refused.body["message"]
    assert f"image {REFERENCE} cannot be pulled to node n2: " in message
    assert "connection refused" in message
    assert world.running("kept").items() >= on_n2.items()

    (identity,) = on_n2
    with world.node("n2").engine.client() as client:
        client.api.kill(identity)
    world.wait_for(lambda: identity in world.running("kept"), "the old container is started again")

    registries["n2"].start()
    world.wait_for(lambda: images(world, "kept") == everywhere(newest), "n2 has followed")
    assert world.http("POST", "/projects/kept/start").status == 200


def test_what_is_carried_out_is_repaired_and_scaled_without_the_registry(
    world: World, push: Push, registries: dict[str, Registry]
) -> None:
    image = push("1")
    world.deploy("calm", {"web": a_web(labels=NEWEST)})
    push("2")
    for registry in registries.values():
        registry.stop()
    victim = next(i for i, (node, _) in world.running("calm").items() if node == "n1")
    with world.node("n1").engine.client() as client:
        client.api.remove_container(victim, force=True)
    world.wait_for(lambda: len(world.running("calm")) == 3, "what was removed is made again")
    world.ok("POST", "/services/calm_web/scale", {"type": "scale_to", "value": 4})
    assert len(world.running("calm")) == 4
    assert images(world, "calm") == everywhere(image)


def test_an_ordinary_redeploy_makes_do_with_the_nodes_own_image(
    world: World, push: Push, registries: dict[str, Registry]
) -> None:
    push("1")
    world.deploy("plain", {"web": a_web(labels={"aliyun.scale": "3"})})
    before = world.running("plain")
    push("2")
    for registry in registries.values():
        registry.stop()
    world.ok("POST", "/projects/plain/redeploy")
    assert world.running("plain") == before


def test_a_tag_that_the_registry_does_not_have_is_named_with_the_node(
    world: World, registries: dict[str, Registry]
) -> None:
    assert registries
    missing = REFERENCE + "-nosuch"
    web = a_service(image=missing, environment=["constraint:node==n3"])
    world.deploy("typo", {"web": web}, wait=False)
    refused = world.http("POST", "/projects/typo/start")
    assert refused.status == 500
    message = refused.body["message"]
    assert f"image {missing} cannot be pulled and is not on node n3: " in message
    assert "manifest unknown" in message


def test_what_is_never_pulled_has_to_be_on_the_node(world: World, push: Push) -> None:
    image = push("1")
    with world.node("n1").engine.client() as client:
        client.images.pull(REFERENCE)
    web = a_web(pull_policy="never", environment=["constraint:node==n1"])
    world.deploy("local", {"web": web})
    assert images(world, "local") == {"n1": image}
    elsewhere = a_web(pull_policy="never", environment=["constraint:node==n2"])
    world.deploy("absent", {"web": elsewhere}, wait=False)
    refused = world.http("POST", "/projects/absent/start")
    assert refused.status == 500
    assert f"image {REFERENCE} is not on node n2" in refused.body["message"]
