"""A router that routes nothing: it hears what routers are told, and says that it has applied it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nats.aio.msg import Msg

from daemon.nats_link import NatsLink
from daemon.settings import nats_urls
from schemas import subjects
from schemas.codec import decode, encode
from schemas.routing import ProjectRoutes, RouterCurrent

#: What a router takes to apply a change.
APPLY_S = 0.04
_RENEW_S = 5.0
_NAME = "bench-router"


class Router:
    """Remembers every document it was told, and when."""

    def __init__(self, url: str) -> None:
        self._url = url
        #: in monotonic seconds, oldest first
        self.told: list[tuple[float, ProjectRoutes]] = []
        self._applied: dict[str, int] = {}
        self.ready = threading.Event()

    async def run(self, end: asyncio.Event) -> None:
        """Serve until `end`."""
        self._link = NatsLink(nats_urls(self._url), name=_NAME, inbox=f"_INBOX.{_NAME}")
        self._link.subscribe(subjects.kv_key(subjects.ROUTES_BUCKET, "*"), self._hear)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._link.run()), tasks.create_task(self._renew())]
            await end.wait()
            for task in running:
                task.cancel()

    async def _hear(self, message: Msg) -> None:
        at = time.monotonic()
        if not message.data:
            return
        routes = decode(ProjectRoutes, message.data)
        self.told.append((at, routes))
        await asyncio.sleep(APPLY_S)
        self._applied[routes.project] = routes.generation
        await self._say()

    async def _renew(self) -> None:
        while True:
            if self._link.is_connected:
                await self._say()
                self.ready.set()
            await asyncio.sleep(_RENEW_S if self.ready.is_set() else APPLY_S)

    async def _say(self) -> None:
        current = RouterCurrent(router=_NAME, applied=self._applied, since="2024-01-01T00:00:00Z")
        subject = subjects.kv_key(subjects.ROUTERS_BUCKET, _NAME)
        await self._link.publish(subject, encode(current))


@contextmanager
def running_router(url: str) -> Iterator[Router]:
    """A router of its own thread, which has said that it is there."""
    router, loop, end = Router(url), asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(router.run(end),))
    thread.start()
    try:
        if not router.ready.wait(10.0):
            raise SystemExit("the router can't reach NATS")
        yield router
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()
