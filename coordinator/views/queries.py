"""`Queries`: every query's answer, from what is known now. Reads: the picture."""

import asyncio
import time
from functools import partial

from coordinator.store.picture import Picture
from coordinator.views.render import answer
from schemas.command import Reply
from schemas.errors import InvalidInput
from schemas.query import (
    AnyQuery,
    InspectVolume,
    ListNodes,
    ListProjects,
    ListServices,
    ListVolumes,
)

#: More would only wait for each other, and threads are there for passes and templates too.
LISTS_AT_ONCE = 2


class Queries:
    """The asking half of `coordinator.ports.Door`."""

    def __init__(self, picture: Picture, default_domain: str, mount_base: str) -> None:
        self._picture = picture
        self._default_domain = default_domain
        self._mount_base = mount_base
        self._turns = asyncio.Semaphore(LISTS_AT_ONCE)

    async def ask(self, query: AnyQuery) -> Reply:
        now = time.monotonic()
        # To look through every node and mount costs far more than most answers.
        is_about_volumes = isinstance(query, ListVolumes | InspectVolume)
        is_about_nodes = is_about_volumes or isinstance(query, ListNodes)
        answering = partial(
            answer,
            query,
            self._picture.views(now),
            self._picture.node_pictures(now) if is_about_nodes else (),
            self._picture.volume_views(now) if is_about_volumes else {},
            default_domain=self._default_domain,
            mount_base=self._mount_base,
        )
        try:
            if isinstance(query, ListProjects | ListServices):
                # Of a thousand projects this is a fifth of a second, in which others are answered.
                # A thread may look at views: they never change, they are replaced.
                async with self._turns:
                    body = await asyncio.to_thread(answering)
            else:
                body = answering()
        except InvalidInput as error:
            return Reply.rejecting(error)
        return Reply(outcome="accepted", result=body)
