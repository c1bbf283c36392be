"""What is written on the shared cluster's bus, read as any client of NATS reads it."""

import asyncio
import json
from typing import Any

import nats
from nats.js.errors import NoKeysError

from tests.e2e.world import World


def kept(world: World, bucket: str) -> dict[str, Any]:
    """Key -> document, of a whole bucket. Not for tests that run on a loop themselves."""
    return asyncio.run(_kept(world.cluster.nats.url, bucket))


def slots_of(world: World, project: str) -> set[tuple[str, str]]:
    """(service, set) of all slots that any node's document has of the project."""
    return {
        (slot["service"], slot.get("set_name", ""))
        for document in kept(world, "desired").values()
        for slot in document.get("slots", ())
        if slot["project"] == project
    }


async def _kept(url: str, bucket: str) -> dict[str, Any]:
    async with await nats.connect(url) as client:
        store = await client.jetstream().key_value(bucket)
        try:
            keys = await store.keys()
        except NoKeysError:
            return {}
        return {key: json.loads((await store.get(key)).value or b"null") for key in keys}
