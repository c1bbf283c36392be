"""The API to test: a running coordinator's, or one over buckets and nodes in memory."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from coordinator.faces.http.application import build_app
from coordinator.faces.http.serving import serve
from schemas.current import MountCurrent
from schemas.states import MountState, Wanted
from tests.component.coordinator.world import World, creation

#: a running coordinator to test instead, such as http://127.0.0.1:4280
URL_VARIABLE = "TROOPERS_API_URL"
PROJECT, SERVICE, VOLUME = "wordpress", "wordpress_db", "pictures"
TEMPLATE = "web: {image: 'web:1', links: [db]}\ndb: {image: 'db:1'}"


@contextmanager
def api() -> Iterator[str]:
    """The URL of an API, for as long as the block lasts."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given.rstrip("/")
        return
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="api under test")
    thread.start()
    serving = _Serving()
    try:
        yield asyncio.run_coroutine_threadsafe(serving.start(), loop).result(timeout=10)
        asyncio.run_coroutine_threadsafe(serving.stop(), loop).result(timeout=10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


class _Serving:
    """Everything behind the API but NATS and the agents: one node does what it is told, at once."""

    async def start(self) -> str:
        self._world = World()
        self._world.hear(1)
        await self._world.intake.submit(creation(name=PROJECT, template=TEMPLATE))
        loop = self._world.loop.run(self._world.epoch, self._world.settled_since)
        self._tasks = [asyncio.create_task(loop), asyncio.create_task(self._obey())]
        self._runner, port = await serve(build_app(self._world.intake), "127.0.0.1", 0)
        return f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._world.loop.close()

    async def _obey(self) -> None:
        obeyed = 0
        while True:
            held = self._world.picture.documents.get("n1")
            if held is not None and held.revision != obeyed:
                obeyed = held.revision
                mounts = tuple(
                    MountCurrent(name=mount.name, state=MountState.MOUNTED)
                    for mount in held.value.mounts
                    if mount.wanted is Wanted.RUNNING
                )
                self._world.obey(1, mounts=mounts)
            await self._world.picture.change()
