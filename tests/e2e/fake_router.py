"""`FakeRouter`: what a router says on the bus, from a client of NATS that knows nothing of our code."""

import asyncio
import json
import threading
import time
from types import TracebackType
from typing import Any, Self

import nats

from tests.e2e.bus_keys import read
from tests.e2e.world import World

#: oftener than a real one writes, so that tests needn't wait for it
_TURN_S = 0.1


class FakeRouter:
    """Applies every document at once, except those of projects that it is told to hold."""

    def __init__(self, world: World, name: str = "router-1") -> None:
        self._url = world.cluster.nats.url
        self.name = name
        self._held: set[str] = set()
        #: project -> generation: what it has read, and what it says that it goes by
        self.read: dict[str, int] = {}
        self.applied: dict[str, int] = {}
        #: project -> version -> weight of its back-ends, of the newest document it has read
        self.weights: dict[str, dict[str, int]] = {}
        self._ending = threading.Event()
        self._leaves = False
        self._written = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._written.wait(20), "the router has never written"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave, and be waited for by nobody from now on."""
        self._leaves = True
        self.die()

    def hold(self, *projects: str) -> None:
        """Go on with what it has of these."""
        self._held.update(projects)

    def let_go(self, *projects: str) -> None:
        self._held.difference_update(projects)

    def is_holding(self, project: str) -> bool:
        """Whether it has read what it doesn't apply."""
        return self.read.get(project, 0) > self.applied.get(project, 0)

    def die(self) -> None:
        """Never write again; its key is there until it expires. Repeatable."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        client = await nats.connect(self._url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
        try:
            while not self._ending.is_set():
                try:
                    await self._turn(client, since)
                except (nats.errors.Error, OSError):
                    # The bus may be away for a while.
                    self._written.clear()
                await asyncio.sleep(_TURN_S)
            if self._leaves:
                await (await client.jetstream().key_value("routers")).delete(self.name)
        finally:
            await client.close()

    async def _turn(self, client: Any, since: str) -> None:
        documents = await read(client, "routes")
        applied = {
            key: self.applied.get(key, 0) if key in self._held else document["generation"]
            for key, document in documents.items()
        }
        current = {"router": self.name, "applied": applied, "since": since}
        routers = await client.jetstream().key_value("routers")
        await routers.put(self.name, json.dumps(current).encode())
        self.applied = applied
        self.weights = {key: _weights(document) for key, document in documents.items()}
        self.read = {key: document["generation"] for key, document in documents.items()}
        self._written.set()


def _weights(document: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for route in document.get("routes", ()):
        for backend in route.get("backends", ()):
            version = backend["version"]
            found[version] = found.get(version, 0) + backend["weight"]
    return found
