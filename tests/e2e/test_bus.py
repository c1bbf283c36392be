"""The same commands, sent by a NATS publisher that knows nothing of Troopers' code."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import nats

from tests.e2e.test_projects import a_service
from tests.e2e.world import World


class Publisher:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def ask(self, subject: str, **document: Any) -> dict[str, Any]:
        reply = await self._client.request(subject, json.dumps(document).encode(), timeout=40)
        answer: dict[str, Any] = json.loads(reply.data)
        return answer

    async def command(self, verb: str, **document: Any) -> dict[str, Any]:
        document.setdefault("command_id", uuid.uuid4().hex)
        return await self.ask(f"troopers.cmd.{verb}", **document)


async def test_a_publisher_runs_a_project_from_create_to_delete(world: World) -> None:
    client = await nats.connect(world.cluster.nats.url)
    try:
        publisher = Publisher(client)
        template = json.dumps({"web": a_service()})
        created = await publisher.command("project.create", name="bus", template=template, wait=30)
        assert (created["outcome"], created["progress"]) == ("accepted", "done")
        scaled = await publisher.command(
            "service.scale", service_id="bus_web", type="scale_to", value=3, wait=30
        )
        assert scaled["progress"] == "done"
        shown = await publisher.ask("troopers.cmd.service.inspect", service_id="bus_web")
        assert shown["result"] == world.service("bus_web")
        assert len(shown["result"]["containers"]) == 3
        stopped = await publisher.command("project.stop", name="bus", timeout=2, wait=30)
        assert stopped["progress"] == "done"
        assert world.running("bus") == {}
        deleted = await publisher.command("project.delete", name="bus", wait=30)
        assert deleted["progress"] == "done"
        lost = await publisher.ask("troopers.cmd.project.view", name="bus")
        assert (lost["outcome"], lost["reason"]["code"]) == ("rejected", "not_found")
    finally:
        await client.close()


async def test_a_command_sent_twice_has_one_effect_and_one_answer(world: World) -> None:
    world.deploy("twice", {"web": a_service()})
    client = await nats.connect(world.cluster.nats.url)
    try:
        publisher = Publisher(client)
        command = {
            "command_id": "only-once",
            "service_id": "twice_web",
            "type": "scale_out",
            "value": 1,
        }
        first = await publisher.command("service.scale", **command)
        second = await publisher.command("service.scale", **command)
        assert first == second
        assert world.service("twice_web")["extensions"]["scale"] == 2
    finally:
        await client.close()


async def test_a_command_after_its_deadline_is_refused_and_changes_nothing(world: World) -> None:
    world.deploy("late", {"web": a_service()})
    client = await nats.connect(world.cluster.nats.url)
    try:
        past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        refused = await Publisher(client).command("project.stop", name="late", deadline=past)
        assert (refused["outcome"], refused["reason"]["code"]) == ("rejected", "expired")
        assert world.project("late")["desired_state"] == "running"
    finally:
        await client.close()


async def test_discovery_lists_every_verb_and_events_tell_what_happened(world: World) -> None:
    client = await nats.connect(world.cluster.nats.url)
    try:
        events = await client.subscribe("evt.>")
        reply = await client.request("$SRV.INFO.troopers", b"", timeout=5)
        subjects = {endpoint["subject"] for endpoint in json.loads(reply.data)["endpoints"]}
        for verb in ("create", "start", "stop", "kill", "redeploy", "delete", "list", "view"):
            assert f"troopers.cmd.project.{verb}" in subjects
        for verb in ("start", "stop", "kill", "scale", "list", "inspect"):
            assert f"troopers.cmd.service.{verb}" in subjects
        world.deploy("loud", {"web": a_service()})
        (node,) = world.nodes_of("loud_web")
        seen = set()
        while f"evt.{node}.container_started" not in seen:
            seen.add((await events.next_msg(timeout=20)).subject)
    finally:
        await client.close()
