"""`VmWorld`: the cluster in the virtual machine, in a test's words."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from cli.api import Api
from cli.errors import ApiError, CommandFailed
from cli.waiting import wait_until
from tests.vm.heartbeats import Heartbeats
from tests.vm.machine import VirtualMachine
from tests.vm.nfs_server import HOST, NfsServer
from tests.vm.seen import Seen

NODE = "node1"
IMAGE = "troopers-test/busybox:1"
UNITS = (
    "docker",
    "nats-server",
    "troopers-mountd",
    "troopers-agent",
    "troopers-coordinator",
)
#: a process that ends at once when it is told to
SLEEP = ["sh", "-c", "trap 'exit 0' TERM INT; sleep 86400 & wait"]
#: generous: a test must not fail because an emulated machine is slow
PATIENCE_S = 120.0


class VmWorld:
    def __init__(self, machine: VirtualMachine, nfs: NfsServer, seen: Seen) -> None:
        self.machine = machine
        self.guest = machine.guest
        self.nfs = nfs
        self.seen = seen
        self.api = Api(f"http://127.0.0.1:{machine.api_port}")

    # asking

    def volume(self, name: str) -> Any:
        return self.api.get(f"/volumes/{name}")

    def mount_state(self, name: str) -> str:
        """What the API says of the volume's mount on the node."""
        return str(self.volume(name)["State"])

    def reason(self, name: str) -> str:
        return str(self.volume(name)["Reason"])

    def project_state(self, name: str) -> str:
        return str(self.api.get(f"/projects/{name}")["current_state"])

    def status_of(self, method: str, path: str) -> tuple[int, str]:
        """A refusal's HTTP status and message; (0, "") when it was not refused."""
        try:
            self.api.request(method, path)
        except ApiError as error:
            return error.status or -1, str(error)
        return 0, ""

    def container(self, name: str, what: str) -> str:
        """A field of what the engine says of a container; empty if there is none."""
        done = self.guest.attempt(f"docker inspect -f '{{{{{what}}}}}' {name}")
        return done.stdout.decode().strip() if done.returncode == 0 else ""

    def is_running(self, container: str) -> bool:
        return self.container(container, ".State.Running") == "true"

    def in_container(self, container: str, command: str, *, timeout_s: float = 60) -> str:
        return self.guest.run(f"docker exec {container} {command}", timeout_s=timeout_s)

    def heartbeats(self) -> Heartbeats:
        return Heartbeats(self.machine.nats_port, NODE)

    # doing

    def create_volume(self, name: str, path: str, **more: str) -> Any:
        options = {"diskid": "test", "host": HOST, "path": path, "mode": "755"} | more
        return self.api.post(
            "/volumes/create", {"name": name, "driver": "nas", "driverOpts": options}
        )

    def deploy(self, name: str, service: Mapping[str, Any], *, wait: bool = True) -> None:
        """Create a project with one service, `app`, and wait until it runs."""
        app = {"image": IMAGE, "command": SLEEP, **service}
        template = json.dumps({"version": "2.1", "services": {"app": app}})
        self.api.post("/projects/", {"name": name, "template": template})
        if wait:
            self.wait_for(
                lambda: self.project_state(name) == "running", f"project {name} is running"
            )

    def clear(self) -> None:
        """Delete every project and every volume."""
        for project in self.api.get("/projects/"):
            self.api.delete(f"/projects/{project['name']}?force=true")
        self.wait_for(lambda: not self.api.get("/projects/"), "all projects are gone")
        for volume in self.api.get("/volumes")["Volumes"]:
            self.api.delete(f"/volumes/{volume['Name']}")
        self.wait_for(lambda: not self.api.get("/volumes")["Volumes"], "all volumes are gone")

    # waiting

    def wait_for(
        self, condition: Callable[[], bool], what: str, deadline_s: float = PATIENCE_S
    ) -> float:
        """Wait; how long it took. A request or command that fails is just not there yet."""
        started = time.monotonic()

        def holds() -> bool:
            try:
                return condition()
            except (ApiError, CommandFailed):
                return False

        if not wait_until(holds, deadline_s, poll_s=0.5):
            raise AssertionError(f"after {deadline_s:.0f} s still not true: {what}")
        return time.monotonic() - started

    def stays(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Look once a second whether it stays true."""
        if wait_until(lambda: not condition(), seconds, poll_s=1):
            raise AssertionError(f"it was to stay so: {what}")

    def wait_until_ready(self) -> float:
        """Wait until the coordinator answers and believes in its node."""
        return self.wait_for(
            lambda: [host["Status"] for host in self.api.get("/hosts/")] == ["ready"],
            "the node is ready",
            deadline_s=300,
        )

    # telling

    def describe(self) -> str:
        """For people who ask why a test failed."""
        told = []
        for path in ("/hosts/", "/projects/", "/volumes"):
            try:
                told.append(f"GET {path}: {json.dumps(self.api.get(path))[:3000]}")
            except ApiError as error:
                told.append(str(error))
        try:
            told.append(
                self.guest.run("docker ps -a; grep -E 'nfs|fuse' /proc/self/mountinfo; true")
            )
            # The engine says too much to be read here; journal.log has it all.
            ours = (unit for unit in UNITS if unit != "docker")
            told += [line[:600] for line in self.guest.journal(*ours, lines=80).splitlines()]
        except CommandFailed as error:
            told.append(str(error))
        return "\n".join(told)
