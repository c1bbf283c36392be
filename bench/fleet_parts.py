"""The bench's cluster: nats-server and coordinator as anybody runs them, and simulated nodes.

Every process is recorded below one temporary directory, and ends with the `with` block.
"""

import os
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.fleet_nodes import CONNECTED, STARTED
from bench.usage import Usage
from cli.cluster import Cluster, Place
from cli.home import CHECKOUT
from cli.processes import Child

#: Processes for the nodes: enough that no agent waits long for another one's turn.
WORKERS = 4
#: of the embedded broker's memory
_NODES_WITHIN_THE_LIMIT = 1000
#: A thousand agents begin their lives on two cores.
_READY_S = 180.0


class Journal:
    """What one process of nodes has written down so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        #: when connections were made
        self.connections: list[float] = []
        #: when containers were started for the last time, by name
        self.started: dict[str, float] = {}

    def read(self) -> None:
        if not self.path.exists():
            return
        with self.path.open() as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            what, who, at = line.split()
            if what == CONNECTED:
                self.connections.append(float(at))
            elif what == STARTED:
                self.started[who] = float(at)


class Fleet:
    """A cluster of simulated nodes."""

    def __init__(self, cluster: Cluster[Place], nodes: int) -> None:
        self.cluster = cluster
        self.nodes = nodes
        self._journals: list[Journal] = []
        self._workers: list[Child] = []
        bounds = [1 + nodes * worker // WORKERS for worker in range(WORKERS + 1)]
        for number, first in enumerate(bounds[:-1]):
            count = bounds[number + 1] - first
            if count:
                self._add_worker(number, first, count)

    def start(self) -> None:
        """Start all nodes and wait until each has connected. Raises StartFailed."""
        for worker in self._workers:
            worker.launch()
        for worker in self._workers:
            worker.wait_ready(_READY_S)

    def stop(self) -> None:
        for worker in self._workers:
            worker.stop()

    def connections(self, since: float) -> list[float]:
        """When nodes have connected since then, in order."""
        return sorted(at for journal in self._read() for at in journal.connections if at >= since)

    def started(self) -> dict[str, float]:
        """When each container was started for the last time, by name."""
        return {name: at for journal in self._read() for name, at in journal.started.items()}

    def demotions(self) -> int:
        """How often the coordinator has given up its lease: an idle one never does."""
        return self.cluster.coordinator.log.read_text().count('no longer active"')

    def usages(self) -> list[Usage]:
        """Of each process of nodes."""
        return [Usage.of(worker.pid) for worker in self._workers]

    def _read(self) -> list[Journal]:
        for journal in self._journals:
            journal.read()
        return self._journals

    def _add_worker(self, number: int, first: int, count: int) -> None:
        journal = Journal(self.cluster.home / f"nodes-{number}.journal")

        def is_ready() -> bool:
            journal.read()
            return len(journal.connections) >= count

        arguments = (self.cluster.nats.url, str(journal.path), str(first), str(count))
        worker = Child(
            f"nodes-{number}",
            [sys.executable, "-m", "bench.fleet_nodes", *arguments],
            self.cluster.home,
            ready=is_ready,
            # A Child starts in the root directory, and benches are not installed.
            environment={"PYTHONPATH": os.pathsep.join((str(CHECKOUT), *sys.path[1:]))},
        )
        self._journals.append(journal)
        self._workers.append(worker)


@contextmanager
def running_fleet(nodes: int) -> Iterator[Fleet]:
    """A cluster with so many nodes; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="troopers-fleet-") as directory:
        cluster: Cluster[Place] = Cluster(Path(directory) / "cluster", ())
        if nodes > _NODES_WITHIN_THE_LIMIT:
            # As docs/operations.md tells operators; a small cluster has its limit anyway.
            cluster.nats.environment["GOMEMLIMIT"] = f"{60 + 60 * nodes // 1000}MiB"
        with cluster:
            fleet = Fleet(cluster, nodes)
            try:
                fleet.start()
                yield fleet
            finally:
                fleet.stop()


def most_within(times: list[float], window_s: float) -> int:
    """The most of these sorted times that lie in any window of this length."""
    return max((bisect_left(times, at + window_s) - i for i, at in enumerate(times)), default=0)
