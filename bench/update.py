"""How long updates take on real engines, beside Swarm mode on the same ones in the same run.

    python -m bench.update [ROUNDS [COLOURS]]        3 5
    (as root; starts two engines in network namespaces)

A rolling update of 20 containers by 2, whose new ones differ in a variable, from the moment it is
asked for until it is completed: rounds of Troopers and of Swarm mode (P) in turn, with the same image,
command, batches and monitor. And of a blue-green update with a router: how soon it can be decided
about, and is. Prints, never fails.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.update_colours import measure_colours
from bench.update_swarm import OFFLINE, Order, Swarm, update
from bench.update_work import IMAGE, PARALLELISM, REPLICAS, Project, until
from cli.cluster import Cluster
from cli.image import busybox_root
from cli.machines import Machine, Machines
from daemon.logs import configure

ENGINES = 2
ROUNDS = 3
COLOURS = 5
#: of P
LIMITS: dict[Order, float] = {"stop-first": 0.5, "start-first": 1.0}
LIMIT_S = 1.0


def main(rounds: int = ROUNDS, colours: int = COLOURS) -> None:
    """Measure and print."""
    configure("error")
    os.environ.update(OFFLINE)  # Engines have our environment.
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"load average before: {load:.2f} on {cores} cores that engines and everybody share")
    with Machines.create(Path(tempfile.mkdtemp()) / "bench", ENGINES) as machines:
        machines.import_image(IMAGE, busybox_root())
        with machines.cluster() as cluster:
            hosts = cluster.api
            until(lambda: sum(host["Healthy"] for host in hosts.get("/hosts/")) == ENGINES)
            if rounds:
                _rolling(cluster, machines, rounds)
            if colours:
                _colours(cluster, machines, colours)


def _rolling(cluster: Cluster[Machine], machines: Machines, rounds: int) -> None:
    print(f"update of {REPLICAS} containers by {PARALLELISM} on {ENGINES} engines, {rounds} rounds")
    project = Project(cluster, "rolling")
    project.deploy()
    with Swarm(machines) as swarm:
        service = swarm.deploy()
        for order, limit in LIMITS.items():
            ours, peer = [], []
            for number in range(rounds):
                ours.append(_seconds(lambda order=order: project.update(order)))  # type: ignore[misc]
                name = f"{order}-{number}"
                peer.append(_seconds(lambda n=name, o=order: update(service, n, o)))  # type: ignore[misc]
            print(
                f"  {order:12} {median(ours):6.2f} s, {median(ours) / median(peer):.2f} x P"
                f" ({median(peer):.2f} s; limit {limit} x)   each: {_each(ours)}; P: {_each(peer)}"
            )
    project.delete()


def _colours(cluster: Cluster[Machine], machines: Machines, rounds: int) -> None:
    found = measure_colours(cluster, machines, rounds)
    print(f"blue-green update of {REPLICAS} containers, {rounds} rounds (limit {LIMIT_S:g} s each)")
    for title, seconds in (
        ("the last new one runs, until it can be confirmed, routes published", found.ready),
        ("confirmed, until routes lead to the new version only", found.confirmed),
        ("confirmed, until the router has said so and it is completed", found.completed),
        ("rolled back, until routes lead to the old version only", found.rolled_back),
        ("rolled back, until the router has said so and it is undone", found.undone),
    ):
        print(f"  {title:68} median {median(seconds):.3f} s, most {max(seconds):.3f} s")


def _seconds(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _each(seconds: list[float]) -> str:
    return " ".join(f"{each:.1f}" for each in seconds)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
