"""`Signalling`: delivers a signal to the running containers of services.

Reads: the picture. Writes: requests to agents.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from coordinator.ports import NodeRequests
from coordinator.store.picture import Picture
from coordinator.views.rollup import ServiceView

#: An agent answers when its engine has; the engine's own deadline is shorter.
DELIVERY_S = 10.0
SILENT = "not sent, its agent does not answer"


class Signalling:
    """Nothing is kept here: a signal that is not delivered in time is not delivered."""

    def __init__(self, picture: Picture, requests: NodeRequests) -> None:
        self._picture = picture
        self._requests = requests

    async def deliver(self, project: str, services: Iterable[str], signal: str) -> str:
        """Signal the services in this order, the nodes of each side by side.

        Returns what went wrong, empty when nothing did.
        """
        faults: list[str] = []
        silent: set[str] = set()
        for name in services:
            view = self._picture.views(time.monotonic()).get(project)
            service = view.services.get(name) if view else None
            by_node = _running(service) if service else {}
            deadline = datetime.now(UTC) + timedelta(seconds=DELIVERY_S)
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
            if datetime.now(UTC) >= deadline:
                silent |= found.keys()
        return "; ".join(faults)


def _running(service: ServiceView) -> dict[str, tuple[str, ...]]:
    by_node: defaultdict[str, list[str]] = defaultdict(list)
    for container in service.containers:
        if container.runs:
            by_node[container.node].append(container.current.id)
    return {node: tuple(by_node[node]) for node in sorted(by_node)}
