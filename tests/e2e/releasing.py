"""`Shop`: a project on the shared cluster that is updated, in the words of releases."""

import json
from typing import Any

from schemas.release import ReleaseState
from tests.e2e.world import IMAGE, SLEEP, Answer, World

#: a release that has ended is told of by how
ENDED = {ReleaseState.COMPLETED, ReleaseState.ROLLED_BACK}


def a_web(revision: int, **more: Any) -> dict[str, Any]:
    """A service whose containers are other ones at another revision, and end when they are told."""
    environment = [f"REVISION={revision}", *more.pop("environment", ())]
    return {"image": IMAGE, "command": SLEEP, "environment": environment, **more}


def rolling(replicas: int, parallelism: int = 1, **policy: Any) -> dict[str, Any]:
    """A `deploy` key that replaces containers batch by batch."""
    config = {"parallelism": parallelism, "monitor": "100ms", **policy}
    return {"replicas": replicas, "update_config": config}


class Shop:
    """One project, by its name."""

    def __init__(self, world: World, name: str = "shop") -> None:
        self.world = world
        self.name = name

    # doing

    def create(self, services: dict[str, Any], version: str = "1.0", **top: Any) -> None:
        """Create it and wait until it runs."""
        self.ask_create(services, version, **top)
        self.world.wait_for_state(self.name, "running")

    def ask_create(self, services: dict[str, Any], version: str = "1.0", **top: Any) -> None:
        body = {"name": self.name, "version": version, "template": template(services, **top)}
        self.world.ok("POST", "/projects/", body)

    def ask_update(self, services: dict[str, Any], version: str, **fields: Any) -> Answer:
        top = fields.pop("top", {})
        body = {"template": template(services, **top), "version": version, **fields}
        return self.world.http("POST", f"/projects/{self.name}/update", body)

    def update(self, services: dict[str, Any], version: str, **fields: Any) -> None:
        """Have an update accepted."""
        answer = self.ask_update(services, version, **fields)
        assert (answer.status, answer.body) == (202, b""), answer

    def blue_green(self, services: dict[str, Any], version: str, **fields: Any) -> None:
        self.update(services, version, update_method="blue-green", **fields)

    def confirm(self) -> None:
        self._decide("confirm-update?force=true")

    def roll_back(self) -> None:
        self._decide("rollback-update?force=true")

    def _decide(self, verb: str) -> None:
        answer = self.world.http("POST", f"/projects/{self.name}/{verb}")
        assert (answer.status, answer.body) == (202, b""), answer

    # seeing

    @property
    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = self.world.project(self.name)
        return found

    @property
    def state(self) -> str:
        """Of the release that is under way, otherwise how the newest one ended."""
        return state_of(self.shown)

    @property
    def message(self) -> str:
        """What is said of the release that is under way, or of the newest one."""
        shown = self.shown
        return str((shown.get("release") or shown["last_release"])["message"])

    def wait_for_release(self, state: ReleaseState) -> dict[str, Any]:
        """Wait until the newest release is in this state; the body that said so."""
        seen: dict[str, Any] = {}

        def is_there() -> bool:
            seen.clear()
            seen.update(self.shown)
            return state_of(seen) == state

        self.world.wait_for(is_there, f"the release of {self.name} is {state}")
        return seen

    def weights(self) -> dict[str, int]:
        """What each version has of the traffic of the project's routes, by the back-ends' weights."""
        found: dict[str, int] = {}
        routing = self.world.ok("GET", f"/projects/{self.name}/routes")
        for route in routing["routes"]:
            for backend in route["backends"]:
                version = backend["version"]
                found[version] = found.get(version, 0) + backend["weight"]
        return found

    def ids(self) -> dict[str, str]:
        """Name -> container id, of everything that the engines have, running or not."""
        return {name: identity for (_, name), identity in self.located().items()}

    def located(self) -> dict[tuple[str, str], str]:
        """(node, name) -> container id, of everything that the engines have, running or not."""
        filters = {"label": f"troopers.project={self.name}"}
        found = {}
        for node in self.world.cluster.nodes:
            with node.engine.client() as client:
                for listed in client.api.containers(all=True, filters=filters):
                    found[node.name, listed["Names"][0].lstrip("/")] = listed["Id"]
        return found

    def networks(self) -> set[str]:
        """The names of the project's networks, on any engine."""
        return {
            network["Name"]
            for node in self.world.cluster.nodes
            for network in _networks(node.engine, self.name)
        }

    def wait_until_only(self, names: set[str]) -> None:
        """Wait until the engines have these containers and no other one of the project."""
        self.world.wait_for(
            lambda: set(self.ids()) == names and len(self.world.running(self.name)) == len(names),
            f"{self.name} has {sorted(names)}",
        )


def template(services: dict[str, Any], **top: Any) -> str:
    return json.dumps({"version": "2.4", "services": services, **top})


def state_of(project: dict[str, Any]) -> str:
    if release := project.get("release"):
        return str(release["state"])
    return str((project.get("last_release") or {}).get("outcome", ""))


def names(service: str, count: int, in_set: str = "", project: str = "shop") -> set[str]:
    """What the containers of a service are called."""
    end = f"_{in_set}" if in_set else ""
    return {f"{project}_{service}_{number}{end}" for number in range(1, count + 1)}


def _networks(engine: Any, project: str) -> Any:
    with engine.client() as client:
        return client.api.networks(filters={"label": f"troopers.project={project}"})
