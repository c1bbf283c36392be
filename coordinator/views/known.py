"""Nodes, volumes and routes as they are at the moment of a question. Reads: the store, views."""

from dataclasses import replace
from typing import Any

from coordinator.clock import CLOCK, Clock
from coordinator.store.nodes import NodePicture
from coordinator.store.restoring import restored_volume
from coordinator.store.store import Store
from coordinator.views.projects import ProjectViews
from coordinator.views.rollup import ProjectView
from coordinator.views.routing import routing_body
from coordinator.views.volumes import VolumeView, volume_views


class KnownNow:
    """What changes with time alone is looked at when somebody asks."""

    def __init__(self, store: Store, views: ProjectViews, clock: Clock = CLOCK) -> None:
        self._store = store
        self._views = views
        self._clock = clock

    def nodes(self) -> list[NodePicture]:
        """Every node by index, with its silence of now."""
        now, heard = self._clock.monotonic(), self._store.last_heard
        nodes = [
            replace(node, silent_for_s=max(0.0, now - heard.get(node.name, now)))
            for node in self._store.known.values()
        ]
        return sorted(nodes, key=lambda node: node.index)

    def volumes(self) -> dict[str, VolumeView]:
        """Every volume with its mounts and users, by name; also those whose records are lost."""
        store, views = self._store, self._views.all().values()
        lost = (n for n in store.volume_doubts if n not in store.volumes)
        found = (restored_volume(name, store.documents) for name in lost)
        records = [*store.volumes.values(), *(each for each in found if each is not None)]
        return volume_views(records, store.known.values(), views, store.volume_doubts)

    def routing(self, view: ProjectView) -> dict[str, Any]:
        """Where a project's traffic goes."""
        store = self._store
        return routing_body(view, store.routes.get(view.record.name), store.routers)
