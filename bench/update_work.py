"""What both sides of `bench.update` run, and how each round is waited for."""

import json
from collections.abc import Callable
from typing import Any

from cli.cluster import Cluster
from cli.machines import Machine
from cli.waiting import wait_until

IMAGE = "troopers-bench/busybox:1"
REPLICAS = 20
PARALLELISM = 2
#: Swarm's own default
MONITOR_S = 5.0
#: a process that ends at once when it is told to
SLEEP = ["sh", "-c", "trap 'exit 0' TERM INT; sleep 86400 & wait"]
_PATIENCE_S = 300.0
_POLL_S = 0.05


def template(number: int, *, order: str = "stop-first", domain: str = "") -> str:
    """A project of one service; another number is another definition of its containers."""
    service: dict[str, Any] = {
        "image": IMAGE,
        "command": SLEEP,
        "environment": {"ROUND": str(number)},
        "deploy": {
            "replicas": REPLICAS,
            "update_config": {
                "parallelism": PARALLELISM,
                "order": order,
                "monitor": f"{MONITOR_S:g}s",
                "delay": "0s",
            },
        },
    }
    if domain:
        service["labels"] = {"aliyun.routing.port_80": domain}
    return json.dumps({"version": "3.8", "services": {"web": service}})


class Project:
    """The project on the cluster, through the API."""

    def __init__(self, cluster: Cluster[Machine], name: str, domain: str = "") -> None:
        self._api = cluster.api
        self.name = name
        self._domain = domain
        self.number = 0

    def deploy(self) -> None:
        """Create it, and return when all of it runs."""
        text = template(0, domain=self._domain)
        self._api.post("/projects/", {"name": self.name, "template": text, "version": "v0"})
        self.until_running()

    def until_running(self) -> None:
        until(lambda: self._view()["current_state"] == "running")

    def delete(self) -> None:
        self._api.delete(f"/projects/{self.name}?force=true&wait=120")

    def begin(self, *, order: str = "stop-first", method: str = "standard") -> None:
        """Have an update accepted: to another value of one variable."""
        self.number += 1
        body = {
            "template": template(self.number, order=order, domain=self._domain),
            "version": self.version,
            "update_method": method,
        }
        self._api.post(f"/projects/{self.name}/update?wait=0", body)

    def update(self, order: str) -> None:
        """Update it, and return when the update is completed."""
        self.begin(order=order)
        self.until_ended("completed")

    def decide(self, verb: str) -> None:
        """Have `confirm-update` or `rollback-update` accepted."""
        self._api.post(f"/projects/{self.name}/{verb}?wait=0")

    def weigh(self, weights: dict[str, int]) -> None:
        """Divide its traffic, and return when that is published."""
        self._api.request("PUT", f"/projects/{self.name}/weights?wait=10", {"web": weights})

        def is_so() -> bool:
            (route,) = self._api.get(f"/projects/{self.name}/routes")["routes"]
            return weights.keys() == {b["version"] for b in route["backends"] if b["weight"]}

        until(is_so)

    @property
    def version(self) -> str:
        return f"v{self.number}"

    def until_ended(self, outcome: str) -> None:
        """Until its newest update has this outcome. Ends the bench if it has another one."""

        def has_ended() -> bool:
            view = self._view()
            release, last = view.get("release"), view.get("last_release")
            if release and "paused" in release["state"]:
                raise SystemExit(f"the update is paused: {release['message']}")
            return bool(last and (last["version"], last["outcome"]) == (self.version, outcome))

        until(has_ended)

    def until_state(self, state: str) -> None:
        until(lambda: (self._view().get("release") or {}).get("state") == state, 0.005)

    def containers(self) -> dict[str, Any]:
        """Those of its service, by id."""
        path = f"/services/{self.name}_web"
        found: dict[str, Any] = self._api.get(path)["containers"]
        return found

    def _view(self) -> dict[str, Any]:
        view: dict[str, Any] = self._api.get(f"/projects/{self.name}?services=false")
        return view


def until(condition: Callable[[], bool], poll_s: float = _POLL_S) -> None:
    """Look until it holds. Ends the bench when it takes too long."""
    if not wait_until(condition, _PATIENCE_S, poll_s=poll_s):
        raise SystemExit("gave up waiting")
