"""The blue-green part of `bench.update`: how soon an update that is up can be decided, and is."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import docker

from bench.update_router import Router, running_router
from bench.update_work import REPLICAS, Project, until
from cli.cluster import Cluster
from cli.machines import Machine, Machines
from schemas.routing import Backend, ProjectRoutes

_NAME = "colours"


class Starts:
    """When engines said last that a container of the project runs, and how often they did."""

    def __init__(self, machines: Machines) -> None:
        self._clients = [docker.DockerClient(base_url=m.engine.url, timeout=600) for m in machines]
        self._streams = [
            client.events(
                decode=True, filters={"event": "start", "label": f"troopers.project={_NAME}"}
            )
            for client in self._clients
        ]
        self._threads = [threading.Thread(target=self._follow, args=(s,)) for s in self._streams]
        #: in monotonic seconds
        self.at: list[float] = []
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        for thread in self._threads:
            thread.join()
        for client in self._clients:
            client.close()

    def _follow(self, stream: object) -> None:
        for _ in stream:  # type: ignore[attr-defined]
            self.at.append(time.monotonic())


@dataclass(slots=True)
class Colours:
    """Seconds, of each round."""

    #: from the last new container's start until it awaits its confirmation, its routes published
    ready: list[float] = field(default_factory=list)
    #: from the command on until routes lead to one version only
    confirmed: list[float] = field(default_factory=list)
    rolled_back: list[float] = field(default_factory=list)
    #: from the command on until the update has ended, its router having said that it knows
    completed: list[float] = field(default_factory=list)
    undone: list[float] = field(default_factory=list)


def measure_colours(cluster: Cluster[Machine], machines: Machines, rounds: int) -> Colours:
    """Confirm one update and roll back the next one, so many times."""
    found = Colours()
    project = Project(cluster, _NAME, "colours.bench.test")
    with running_router(cluster.nats.url) as router:
        project.deploy()
        starts = Starts(machines)
        try:
            for _ in range(rounds):
                found.ready.append(_come_up(project, router, starts))
                new = project.version
                times = _decide(project, router, "confirm-update", "completed", new)
                found.confirmed.append(times[0])
                found.completed.append(times[1])
                found.ready.append(_come_up(project, router, starts))
                # Without any weight on it there would be nothing to take back.
                project.weigh({new: 50, project.version: 50})
                times = _decide(project, router, "rollback-update", "rolled_back", new)
                found.rolled_back.append(times[0])
                found.undone.append(times[1])
        finally:
            starts.close()
        project.delete()
    return found


def _come_up(project: Project, router: Router, starts: Starts) -> float:
    began = len(starts.at)
    project.begin(method="blue-green")
    version = project.version
    project.until_state("awaiting_confirmation")
    state_at = time.monotonic()
    routes_at = _told(router, lambda each: _count(each, version, lambda _: True) == REPLICAS)
    return max(state_at, routes_at) - starts.at[began + REPLICAS - 1]


def _decide(
    project: Project, router: Router, verb: str, outcome: str, kept: str
) -> tuple[float, float]:
    """Seconds until only `kept` has weight, and until the update has ended; then clean up."""
    began = time.monotonic()
    known = len(router.told)
    project.decide(verb)
    project.until_ended(outcome)
    ended = time.monotonic()

    def is_alone(routes: ProjectRoutes) -> bool:
        return (
            _count(routes, kept, lambda each: each.weight > 0) == REPLICAS
            and sum(each.weight > 0 for each in routes.routes[0].backends) == REPLICAS
        )

    routed = _told(router, is_alone, known)
    until(lambda: len(project.containers()) == REPLICAS)
    project.until_running()
    return routed - began, ended - began


def _told(router: Router, holds: Callable[[ProjectRoutes], bool], known: int = 0) -> float:
    """When the router was told routes like that for the first time."""

    def first() -> float | None:
        return next((at for at, routes in router.told[known:] if holds(routes)), None)

    until(lambda: first() is not None, 0.005)
    found = first()
    if found is None:
        raise SystemExit("unreachable: it was there a moment ago")
    return found


def _count(routes: ProjectRoutes, version: str, holds: Callable[[Backend], bool]) -> int:
    return sum(each.version == version and holds(each) for each in routes.routes[0].backends)
