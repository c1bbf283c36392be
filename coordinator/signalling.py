"""`Signalling`: delivers a signal to the running containers of services.

Reads: the picture. Writes: requests to agents.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from coordinator.domain.rollup import ServiceView
from coordinator.picture import Picture
from coordinator.ports import NodeRequests

#: An agent answers when its engine has; the engine's own deadline is shorter.
DELIVERY_S = 10.0


class Signalling:
    """Nothing is kept here: a signal that is not delivered in time is not delivered."""

    def __init__(self, picture: Picture, requests: NodeRequests) -> None:
        self._picture = picture
        self._requests = requests

    async def deliver(self, project: str, services: Iterable[str], signal: str) -> str:
        """Signal the services in this order, the nodes of each side by side.

        Returns what went wrong, empty when nothing did.
        """
        deadline = datetime.now(UTC) + timedelta(seconds=DELIVERY_S)
        faults: list[str] = []
        for name in services:
            view = self._picture.views(time.monotonic()).get(project)
            service = view.services.get(name) if view else None
            by_node = _running(service) if service else {}
            results = await asyncio.gather(
                *(
                    self._requests.signal(node, containers, signal, deadline)
                    for node, containers in by_node.items()
                )
            )
            faults += [
                f"signal {signal} to {name} on node {node}: {fault}"
                for node, fault in zip(by_node, results, strict=True)
                if fault
            ]
        return "; ".join(faults)


def _running(service: ServiceView) -> dict[str, tuple[str, ...]]:
    by_node: defaultdict[str, list[str]] = defaultdict(list)
    for container in service.containers:
        if container.runs:
            by_node[container.node].append(container.current.id)
    return {node: tuple(by_node[node]) for node in sorted(by_node)}
