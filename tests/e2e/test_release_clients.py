"""Updates as the reference's clients make them: plain HTTP, and polls of a project's state."""

import json
from typing import Any

import nats
import pytest

from tests.e2e.releasing import Shop, a_web, names, template
from tests.e2e.test_bus import Publisher
from tests.e2e.world import World

VERBS = ("update", "confirm", "rollback", "weight", "revisions", "revision", "routes")


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


def both(revision: int) -> dict[str, Any]:
    routed = {"aliyun.routing.port_80": "shop"}
    return {"web": a_web(revision, scale=2, labels=routed), "db": a_web(0)}


def polled(shop: Shop) -> str:
    """Poll until the project is `running`, as a client does, and look at nothing else meanwhile."""
    seen: dict[str, Any] = {}

    def is_running() -> bool:
        seen.clear()
        seen.update(shop.shown)
        return bool(seen["current_state"] == "running")

    shop.world.wait_for(is_running, f"{shop.name} is running")
    return str(seen["version"])


def test_a_client_updates_and_confirms_without_looking_twice(shop: Shop) -> None:
    world = shop.world
    body = {"name": "shop", "template": template(both(1)), "version": "1.0"}
    created = world.http("POST", "/projects/", body)
    assert (created.status, created.body) == (201, b"")
    assert polled(shop) == "1.0"

    updated = shop.ask_update(both(2), "2.0")
    assert (updated.status, updated.body) == (202, b"")
    assert polled(shop) == "2.0"
    shop.wait_until_only(names("web", 2) | names("db", 1))

    shop.blue_green(both(3), "3.0")
    # At once: the new version needn't be up.
    confirmed = world.http("POST", "/projects/shop/confirm-update?force=true")
    assert (confirmed.status, confirmed.body) == (202, b"")
    assert polled(shop) == "3.0"
    shop.wait_until_only(names("web", 2, "r3") | names("db", 1))


def test_a_client_that_forgot_to_confirm_rolls_back_and_tries_again(shop: Shop) -> None:
    world = shop.world
    shop.create(both(1))
    shop.blue_green(both(2), "2.0")
    refused = shop.ask_update(both(3), "3.0")
    assert refused.status == 409
    assert "Conflicts with unconfirmed updates for operation" in refused.body["message"]
    back = world.http("POST", "/projects/shop/rollback-update?force=true")
    assert (back.status, back.body) == (202, b"")
    assert polled(shop) == "1.0"
    again = shop.ask_update(both(3), "3.0")
    assert (again.status, again.body) == (202, b"")
    assert polled(shop) == "3.0"
    shop.wait_until_only(names("web", 2) | names("db", 1))


def test_an_update_to_the_version_that_is_there_is_refused_and_touches_nothing(shop: Shop) -> None:
    shop.create(both(1))
    before = shop.world.running("shop")
    for method in ("", "blue-green"):
        refused = shop.ask_update(both(2), "1.0", update_method=method)
        assert refused.status == 409
        assert "1.0" in refused.body["message"]
    assert shop.shown["current_state"] == "running"
    assert shop.world.running("shop") == before


async def test_each_verb_of_a_release_is_a_command_on_the_bus_as_well(shop: Shop) -> None:
    shop.create(both(1))
    client = await nats.connect(shop.world.cluster.nats.url)
    try:
        reply = await client.request("$SRV.INFO.troopers", b"", timeout=5)
        subjects = {endpoint["subject"] for endpoint in json.loads(reply.data)["endpoints"]}
        assert {f"troopers.cmd.project.{verb}" for verb in VERBS} <= subjects
        await _talk(Publisher(client), shop)
    finally:
        await client.close()


async def _talk(publisher: Publisher, shop: Shop) -> None:
    async def done(verb: str, **fields: Any) -> dict[str, Any]:
        reply = await publisher.command(f"project.{verb}", name="shop", wait=40, **fields)
        assert (reply["outcome"], reply["progress"]) == ("accepted", "done"), reply
        return reply

    async def asked(verb: str, **fields: Any) -> Any:
        reply = await publisher.ask(f"troopers.cmd.project.{verb}", name="shop", **fields)
        return reply["result"]

    await done("update", template=template(both(2)), version="2.0")
    assert shop.shown["version"] == "2.0"
    green = {"template": template(both(3)), "version": "3.0", "update_method": "blue-green"}
    await done("update", **green)
    await done("weight", weights={"web": {"2.0": 90, "3.0": 10}})
    shown = shop.shown["release"]["services"]["web"]
    assert shown["weights"] == {"2.0": 90, "3.0": 10}
    await done("rollback")
    assert shop.shown["version"] == "2.0"
    await done("update", **green)
    await done("confirm")
    assert shop.shown["version"] == "3.0"
    assert [(each["number"], each["outcome"]) for each in await asked("revisions")] == [
        (1, "completed"),
        (2, "completed"),
        (3, "rolled_back"),
        (4, "completed"),
    ]
    first = await asked("revision", number=1)
    assert (first["version"], json.loads(first["template"])["services"]) == ("1.0", both(1))
    assert [each["service"] for each in (await asked("routes"))["routes"]] == ["web"]
