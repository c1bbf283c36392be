"""`Queries`: every query's answer, from what is known now. Reads: the store, views."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from coordinator.clock import CLOCK, Clock
from coordinator.store.nodes import NodePicture
from coordinator.store.store import Store
from coordinator.views.projects import ProjectViews
from coordinator.views.render import answer
from coordinator.volumes.views import VolumeView, volume_views
from schemas.command import Reply
from schemas.errors import InvalidInput
from schemas.query import (
    AnyQuery,
    InspectVolume,
    ListNodes,
    ListVolumes,
)


class Queries:
    """The asking half of `coordinator.ports.Door`."""

    def __init__(
        self,
        store: Store,
        views: ProjectViews,
        default_domain: str,
        mount_base: str,
        clock: Clock = CLOCK,
    ) -> None:
        self._store = store
        self._views = views
        self._clock = clock
        self._default_domain = default_domain
        self._mount_base = mount_base

    async def ask(self, query: AnyQuery) -> Reply:
        # To look through every node and mount costs far more than most answers.
        is_about_volumes = isinstance(query, ListVolumes | InspectVolume)
        is_about_nodes = is_about_volumes or isinstance(query, ListNodes)
        answering = partial(
            answer,
            query,
            self._views.all(),
            nodes := self._nodes() if is_about_nodes else (),
            self._volumes(nodes) if is_about_volumes else {},
            default_domain=self._default_domain,
            mount_base=self._mount_base,
        )
        try:
            body = answering()
        except InvalidInput as error:
            return Reply.rejecting(error)
        return Reply(outcome="accepted", result=body)

    def _nodes(self) -> list[NodePicture]:
        """Every node by index, with its silence of now."""
        now, heard = self._clock.monotonic(), self._store.last_heard
        nodes = [
            replace(node, silent_for_s=max(0.0, now - heard.get(node.name, now)))
            for node in self._store.known.values()
        ]
        return sorted(nodes, key=lambda node: node.index)

    def _volumes(self, nodes: Sequence[NodePicture]) -> dict[str, VolumeView]:
        return volume_views(self._store.volumes.values(), nodes, self._views.all().values())
