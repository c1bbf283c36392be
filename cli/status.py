"""Shows nodes, projects and services, as the HTTP API tells them."""

import os
from collections.abc import Mapping
from typing import Any

from cli.client import Client
from cli.cluster import Cluster
from cli.embedded import LocalMachine
from cli.home import home
from cli.screen import Screen


def default_url() -> str:
    """Where to ask: TROOPERS_URL, the cluster of `up`, the lab's, or the usual address."""
    if chosen := os.environ.get("TROOPERS_URL"):
        return chosen
    for kind in ("embedded", "lab"):
        cluster = Cluster.recorded(home() / kind / "cluster", list[LocalMachine]())
        if cluster is not None:
            return cluster.url
    return "http://127.0.0.1:4280"


def show(client: Client, screen: Screen, *, as_json: bool) -> None:
    """Print three tables. Raises ApiError when the coordinator doesn't answer."""
    hosts = client.read("list_nodes")
    projects = client.read("list_projects")
    if as_json:
        screen.json({"nodes": hosts, "projects": projects})
        return
    screen.table(
        "Nodes",
        ("name", "address", "status", "containers"),
        [_cells(host, "Name", "IP", "Status", "ContainersRunning") for host in hosts],
    )
    screen.table(
        "Projects",
        ("name", "version", "state", "wanted", "record"),
        [
            _cells(row, "name", "version", "current_state", "desired_state", "record")
            for row in projects
        ],
    )
    screen.table(
        "Services",
        ("project", "service", "state", "containers"),
        [
            (str(project["name"]), *_cells(service, "name", "current_state"), _where(service))
            for project in projects
            for service in project.get("services") or []
        ],
    )


def _cells(row: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(str(row.get(name, "")) for name in names)


def _where(service: Mapping[str, Any]) -> str:
    """How many containers on which node address: `2 x 10.213.0.11, 1 x 10.213.0.12`."""
    nodes = [str(one.get("node", "?")) for one in (service.get("containers") or {}).values()]
    return ", ".join(f"{nodes.count(node)} x {node}" for node in sorted(set(nodes)))
