"""What is written on the shared cluster's bus, read as any client of NATS reads it."""

import asyncio
import contextlib
import json
from typing import Any

import nats
from nats.js.errors import KeyNotFoundError

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


async def read(client: Any, bucket: str) -> dict[str, Any]:
    """The same on a loop of one's own.

    A watch of all keys may miss one that is written at that moment; the stream's own list doesn't.
    """
    stream = client.jetstream()
    prefix = f"$KV.{bucket}."
    shown = await stream.stream_info(f"KV_{bucket}", subjects_filter=f"{prefix}>")
    store = await stream.key_value(bucket)
    found = {}
    for subject in shown.state.subjects or ():
        key = subject.removeprefix(prefix)
        # One that is deleted is listed by its marker.
        with contextlib.suppress(KeyNotFoundError):
            found[key] = json.loads((await store.get(key)).value or b"null")
    return found


async def _kept(url: str, bucket: str) -> dict[str, Any]:
    async with await nats.connect(url) as client:
        return await read(client, bucket)
