"""`Signalling`: delivers a signal to the running containers of services.

Reads: views. Writes: requests to agents.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from coordinator.clock import CLOCK, PACE, Clock, Pace
from coordinator.ports import NodeRequests
from coordinator.views.projects import ProjectViews
from coordinator.views.rollup import ServiceView

SILENT = "not sent, its agent does not answer"


class Signalling:
    """Nothing is kept here: a signal that is not delivered in time is not delivered."""

    def __init__(
        self, views: ProjectViews, requests: NodeRequests, clock: Clock = CLOCK, pace: Pace = PACE
    ) -> None:
        self._views = views
        self._requests = requests
        self._clock = clock
        self._pace = pace

    async def deliver(self, project: str, services: Iterable[str], signal: str) -> str:
        """Signal the services in this order, the nodes of each side by side.

        Returns what went wrong, empty when nothing did.
        """
        faults: list[str] = []
        silent: set[str] = set()
        for name in services:
            view = self._views.of(project)
            service = view.services.get(name) if view else None
            by_node = _running(service) if service else {}
            deadline = self._clock.now() + timedelta(seconds=self._pace.delivery_s)
            # A node that has not answered for one service keeps no other one waiting.
            asked = {node: ids for node, ids in by_node.items() if node not in silent}
            results = await asyncio.gather(
                *(
                    self._requests.signal(node, containers, signal, deadline)
                    for node, containers in asked.items()
                )
            )
            found = {node: fault for node, fault in zip(asked, results, strict=True) if fault}
            faults += [
                f"signal {signal} to {name} on node {node}: {fault}"
                for node in by_node
                if (fault := found.get(node, SILENT if node in silent else ""))
            ]
            if self._clock.now() >= deadline:
                silent |= found.keys()
        return "; ".join(faults)


def _running(service: ServiceView) -> dict[str, tuple[str, ...]]:
    by_node: defaultdict[str, list[str]] = defaultdict(list)
    for container in service.containers:
        if container.runs:
            by_node[container.node].append(container.current.id)
    return {node: tuple(by_node[node]) for node in sorted(by_node)}
