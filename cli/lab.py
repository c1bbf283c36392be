"""The cluster of `make lab`: several machines on this one, to play with until `make lab-down`.

Writes: `<home>/lab/`, and what `cli.machines` says.
"""

import shutil

from cli.cluster import Cluster, ClusterSettings
from cli.home import home
from cli.image import busybox_root
from cli.listening import require_free
from cli.machines import Machine, Machines
from cli.packages import install
from cli.screen import Screen

_IMAGE = "busybox:1"


class Lab:
    """Brings the lab up and down."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._home = home() / "lab"

    def up(
        self, count: int, *, http_port: int, live_restore: bool = False, number: int | None = None
    ) -> None:
        """Start machines and a cluster on them, or what is missing of them; says how to use it.

        When it fails half-way the logs stay, until `down`.
        """
        machines = Machines.recorded(self._home)
        if machines is not None:
            cluster = self._cluster(machines, http_port)
            if cluster.is_alive and machines.are_alive:
                self._screen.say("It already runs.")
            else:
                with self._screen.step("Starting what does not run"):
                    machines.start_engines()
                    cluster.start()
            self._explain(machines, cluster)
            return
        # A reboot ends a lab but not its records, which name networks that are gone.
        shutil.rmtree(self._home, ignore_errors=True)
        require_free("127.0.0.1", http_port, "TROOPERS_LAB_HTTP_PORT")
        install("engine")
        with self._screen.step(f"Starting {count} engines in network namespaces"):
            machines = Machines.create(
                self._home, count, live_restore=live_restore, is_kept=True, number=number
            )
        with self._screen.step(f"Importing the image {_IMAGE} on each"):
            machines.import_image(_IMAGE, busybox_root())
        cluster = self._cluster(machines, http_port)
        with self._screen.step("Starting nats-server, coordinator and agents") as step:
            cluster.start()
            step.result = f"API at {cluster.url}"
        self._explain(machines, cluster)

    def down(self) -> bool:
        """End it and remove every trace; whether there was any."""
        machines = Machines.recorded(self._home)
        if machines is None:
            was_there = self._home.exists()
            shutil.rmtree(self._home, ignore_errors=True)
            return was_there
        with self._screen.step(f"Stopping the cluster and {len(machines)} engines"):
            machines.destroy()
        return True

    def _cluster(self, machines: Machines, http_port: int) -> Cluster[Machine]:
        directory = self._home / "cluster"
        settings = ClusterSettings(
            http_port=http_port,
            # The usual ones: the lab's network is its own.
            nats_port=4222,
            agent_port=4290,
            bus_host=machines.network.address,
        )
        places = list(machines)
        return Cluster.recorded(directory, places) or Cluster(directory, places, settings)

    def _explain(self, machines: Machines, cluster: Cluster[Machine]) -> None:
        first, last = machines[0], machines[len(machines) - 1]
        self._screen.table(
            "Nodes",
            ("name", "address", "engine"),
            [(machine.name, machine.address, machine.engine.url) for machine in machines],
        )
        self._screen.say(
            "",
            f"API   {cluster.url}",
            f"NATS  {cluster.nats.url}",
            f"Logs  {cluster.home}",
            f"Every engine has the image {_IMAGE}.",
            "",
            "Next:",
            f"  curl -s {cluster.url}/hosts/",
            f"  DOCKER_HOST={first.engine.url} docker ps",
            f"  ip link set {last.namespace.cable} down    # cuts {last.name} off; `up` heals it",
            "  make lab-down",
        )
