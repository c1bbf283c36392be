"""Swarm mode on the engines of a lab, as the peer of an update: one service, and its updates."""

from typing import Any, Literal, Self

import docker
from docker.types import ServiceMode, UpdateConfig

from bench.update_work import IMAGE, MONITOR_S, PARALLELISM, REPLICAS, SLEEP, until
from cli.machines import Machines

#: Or every task asks a registry first, which costs twenty seconds where none can be reached.
OFFLINE = {"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE": "1"}
Order = Literal["stop-first", "start-first"]

_PORT = 2377
_POLL_S = 0.05


class Swarm:
    """Swarm mode on these machines; the first one is its manager."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._client = docker.DockerClient(base_url=machines[0].engine.url, timeout=60)

    def __enter__(self) -> Self:
        first, *others = self._machines
        self._client.swarm.init(
            advertise_addr=first.address, listen_addr=f"{first.address}:{_PORT}"
        )
        token = self._client.swarm.attrs["JoinTokens"]["Worker"]
        for machine in others:
            with machine.engine.client() as client:
                client.swarm.join(
                    [f"{first.address}:{_PORT}"],
                    token,
                    advertise_addr=machine.address,
                    listen_addr=f"{machine.address}:{_PORT}",
                )
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self._machines:
            with machine.engine.client() as client:
                client.swarm.leave(force=True)
        self._client.close()

    def deploy(self) -> Any:
        """The service of docker-py, with all its tasks running."""
        services: Any = self._client.services
        service = services.create(
            IMAGE,
            command=SLEEP,
            name="peer",
            env=["ROUND=0"],
            mode=ServiceMode("replicated", REPLICAS),
        )
        until(lambda: _running(service) == REPLICAS)
        return service


def update(service: Any, number: str, order: Order) -> None:
    """Update it, and return when Swarm says that the update is completed."""
    service.reload()
    before = _completed(service)
    service.update(
        env=[f"ROUND={number}"],
        update_config=UpdateConfig(
            parallelism=PARALLELISM,
            order=order,
            monitor=int(MONITOR_S * 1e9),
            delay=0,
            failure_action="pause",
        ),
        fetch_current_spec=True,
    )

    def is_completed() -> bool:
        service.reload()
        return _completed(service) not in {"", before}

    until(is_completed, _POLL_S)


def _completed(service: Any) -> str:
    """When its newest update was completed; empty: it isn't."""
    status = service.attrs.get("UpdateStatus") or {}
    return str(status["CompletedAt"]) if status.get("State") == "completed" else ""


def _running(service: Any) -> int:
    return sum(task["Status"]["State"] == "running" for task in service.tasks())
