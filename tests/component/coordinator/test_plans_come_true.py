"""What a plan says is what then happens: random updates, carried out by agents that obey."""

import asyncio
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.fingerprint import fingerprint
from schemas.states import Wanted
from tests.component.coordinator.releasing import NODES, Shop, confirm, update
from tests.component.coordinator.world import World, creation
from tests.fakes.clock import VirtualTimeLoop

#: in version 3 of the format, by name
Services = dict[str, dict[str, Any]]

_OTHER = "services: {x: {image: 'x:1', ports: ['80:80']}}"


@st.composite
def a_service(draw: st.DrawFn, before: tuple[str, ...], *, is_global: bool) -> dict[str, Any]:
    """One that may need a port which only one container of a node can have."""
    order = draw(st.sampled_from(["stop-first", "stop-first", "start-first"]))
    deploy = {
        **({"mode": "global"} if is_global else {"replicas": draw(st.integers(1, 3))}),
        "update_config": {"parallelism": draw(st.integers(0, 2)), "order": order, "monitor": "1s"},
    }
    ports = draw(st.sampled_from([[], [], [], ["80:80"], ["81:80"]]))
    is_last: bool = draw(st.booleans())
    return {
        "image": draw(st.sampled_from(["i:1", "i:2"])),
        "deploy": deploy,
        **({"ports": ports} if ports else {}),
        **({"depends_on": list(before)} if before and is_last else {}),
    }


@st.composite
def services(draw: st.DrawFn) -> Services:
    found: Services = {}
    for name in sorted(draw(st.sets(st.sampled_from("abc"), min_size=1))):
        found[name] = draw(
            a_service(tuple(found), is_global=draw(st.sampled_from([False, False, True])))
        )
    return found


@st.composite
def an_update(draw: st.DrawFn, held: Services) -> Services:
    """Some services as they were, some others."""
    new = draw(services())
    kept = {name: held[name] for name in held if draw(st.booleans())}
    every = dict(sorted({**new, **kept}.items()))
    for name, each in every.items():
        if after := each.get("depends_on"):
            every[name] = {**each, "depends_on": [one for one in after if one in every]}
    return every


def text(of: Services) -> str:
    return yaml.safe_dump({"version": "3", "services": of})


def containers(world: World) -> Iterator[tuple[str, str, str]]:
    """Name, node and identity of whatever has a place, be it that it waits for what it depends on."""
    for index in NODES:
        document = world.document(index)
        for entry in document.slots if document else ():
            if entry.wanted is not Wanted.ABSENT and entry.project == "shop":
                yield str(entry.key), f"n{index}", fingerprint(document.specs[entry.spec])  # type: ignore[union-attr]


async def _check(first: Services, second: Services, method: str) -> None:
    shop = Shop()
    for index in NODES:
        shop.world.hear(index)
    await shop.say(creation("o", "other", template=_OTHER))
    await shop.steps(2)
    wanted = creation(template=text(first))
    plan = await _planned(shop, wanted)
    await shop.say(wanted)
    await shop.steps(5)
    _compare(plan, {}, shop.world)
    before = {name: identity for name, _, identity in containers(shop.world)}
    command = update(text(second), update_method=method)
    plan = await _planned(shop, command)
    await shop.say(command)
    if any(each["action"] == "wait" for each in plan):
        # It may stand still, and with it whatever would come after.
        await shop.steps(20)
        if shop.record.release is not None:
            return
    elif shop.record.release is not None:
        await shop.rest()
    if shop.record.release is not None:
        await shop.say(confirm())
        await shop.rest()
    await shop.steps(4)
    assert shop.record.release is None
    _compare(plan, before, shop.world)
    again = await _planned(shop, update(text(second), "3.0"))
    assert {each["action"] for each in again} <= {"keep", "wait"}


async def _planned(shop: Shop, command: Any) -> list[dict[str, Any]]:
    reply = await shop.say(command.model_copy(update={"dry_run": True}))
    changes: list[dict[str, Any]] = reply.result["changes"]
    return changes


def _compare(plan: list[dict[str, Any]], before: dict[str, str], world: World) -> None:
    """Hold what there is against the plan."""
    there = {name: (node, identity) for name, node, identity in containers(world)}
    stays = [each for each in plan if each["action"] not in {"remove", "wait"}]
    assert {each["container"]: each["node"] for each in stays} == {
        name: node for name, (node, _) in there.items()
    }
    for each in stays:
        name, action = each["container"], each["action"]
        identity = there[name][1]
        assert (action == "keep") is (before.get(name) == identity), each
        assert (action == "create") is (name not in before), each


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_plans_come_true(data: st.DataObject) -> None:
    first = data.draw(services())
    second = data.draw(an_update(first))
    method = data.draw(st.sampled_from(["", "", "blue-green"]))
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_check(first, second, method))
