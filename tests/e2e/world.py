"""`World`: a running cluster, and questions to it in a test's words."""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cli.cluster import Cluster, Node
from cli.machines import Machine
from cli.waiting import wait_until

IMAGE = "troopers-test/busybox:1"
#: generous: a test must not fail because a machine is slow
PATIENCE_S = 45.0
#: a process that ends at once when it is told to
SLEEP = ["sh", "-c", "trap 'exit 0' TERM INT; sleep 86400 & wait"]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


class World:
    def __init__(self, cluster: Cluster[Machine]) -> None:
        self.cluster = cluster
        self.url = cluster.url

    # asking

    def http(self, method: str, path: str, body: Any = None) -> Answer:
        """A request whatever it is answered with."""
        payload = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self.url + path,
            data=payload,
            method=method,
            headers={"Content-Type": "application/json"} if payload else {},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return _answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            return _answer(error.code, error.headers, error.read())

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http(method, path, body)
        assert answer.status < 300, (method, path, answer)
        return answer.body

    def project(self, name: str) -> Any:
        return self.ok("GET", f"/projects/{name}")

    def service(self, service_id: str) -> Any:
        return self.ok("GET", f"/services/{service_id}")

    def containers(self, service_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.service(service_id)["containers"]
        return found

    def names(self, service_id: str) -> list[str]:
        return sorted(container["name"] for container in self.containers(service_id).values())

    def nodes_of(self, service_id: str) -> list[str]:
        return sorted(c["node_name"] for c in self.containers(service_id).values())

    def hosts(self) -> dict[str, Any]:
        return {host["Name"]: host for host in self.ok("GET", "/hosts/")}

    # doing

    def deploy(self, name: str, services: dict[str, Any], *, wait: bool = True) -> None:
        """Create a project of these Compose services and wait until it runs."""
        template = json.dumps({"version": "2.1", "services": services})
        self.ok("POST", "/projects/", {"name": name, "template": template})
        if wait:
            self.wait_for_state(name, "running")

    def node(self, name: str) -> Node[Machine]:
        return self.cluster.node(name)

    def clear(self) -> None:
        """Delete every project and volume, once every process runs again."""
        self.cluster.start()
        self.wait_for_nodes(len(self.cluster.nodes))
        projects = [project["name"] for project in self.ok("GET", "/projects/")]
        for name in projects:
            self.ok("DELETE", f"/projects/{name}?force=true&v=true")
        for name in {volume["Name"] for volume in self.ok("GET", "/volumes")["Volumes"]}:
            self.ok("DELETE", f"/volumes/{name}")
        self.wait_for(
            lambda: not any(map(self.everything_of, projects)), f"nothing is left of {projects}"
        )

    # waiting

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        if not wait_until(condition, PATIENCE_S):
            raise AssertionError(f"never came true: {what}\n{self.describe()}")

    def wait_for_state(self, name: str, state: str) -> None:
        self.wait_for(
            lambda: self.project(name)["current_state"] == state, f"project {name} is {state}"
        )

    def wait_for_nodes(self, count: int) -> None:
        self.wait_for(
            lambda: sum(host["Healthy"] for host in self.hosts().values()) == count,
            f"{count} healthy nodes",
        )

    # the engines' own truth

    def inspect(self, node: str, container: str) -> dict[str, Any]:
        with self.node(node).engine.client() as client:
            attributes: dict[str, Any] = client.api.inspect_container(container.lstrip("/"))
            return attributes

    def running(self, project: str) -> dict[str, tuple[str, str]]:
        """Container id -> its node and when it was started, as the engines say."""
        found = {}
        for node in self.cluster.nodes:
            with node.engine.client() as client:
                for listed in client.api.containers(
                    filters={"label": f"troopers.project={project}", "status": "running"}
                ):
                    state = client.api.inspect_container(listed["Id"])["State"]
                    found[listed["Id"]] = (node.name, state["StartedAt"])
        return found

    def everything_of(self, project: str) -> list[str]:
        """Whatever carries the project's label on any engine."""
        left = []
        label = {"label": f"troopers.project={project}"}
        for node in self.cluster.nodes:
            with node.engine.client() as client:
                left += [c["Names"][0] for c in client.api.containers(all=True, filters=label)]
                left += [n["Name"] for n in client.api.networks(filters=label)]
                left += [v["Name"] for v in client.api.volumes(filters=label)["Volumes"] or ()]
        return left

    # telling

    def describe(self) -> str:
        try:
            projects = self.http("GET", "/projects/").body
            hosts = self.http("GET", "/hosts/").body
        except OSError as error:
            return f"(the coordinator does not answer: {error})"
        return json.dumps({"projects": projects, "hosts": hosts}, indent=1)[:6000]

    def show_logs(self) -> None:
        for child in self.cluster.children:
            sys.stderr.write(f"--- {child.name}\n{child.log_tail(200)}\n")


def now() -> float:
    return time.monotonic()


def _answer(status: int, headers: Any, content: bytes) -> Answer:
    kind = headers.get("Content-Type", "")
    body = json.loads(content) if content and kind.startswith("application/json") else content
    return Answer(status, dict(headers.items()), body)
