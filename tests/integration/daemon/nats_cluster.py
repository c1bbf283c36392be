"""Three real nats-servers that are one cluster, on loopback."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from nats.errors import Error as NatsError

from cli.listening import answers, free_ports
from cli.nats_server import find_program
from cli.processes import Child
from daemon.nats_link import NatsLink

_HOST = "127.0.0.1"
_CONFIG = """\
server_name: "{name}"
listen: "{host}:{port}"
jetstream {{ store_dir: "{directory}/store-{name}", sync_interval: always }}
cluster {{
  name: "c"
  listen: "{host}:{route}"
  routes: [{routes}]
}}
"""


class NatsCluster:
    """Servers by their ports, each with its store in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.servers: dict[int, Child] = {}
        self._names: dict[str, int] = {}
        ports, routes = list(free_ports(_HOST, 6)), ""
        ports, between = ports[:3], ports[3:]
        routes = ", ".join(f'"nats://{_HOST}:{route}"' for route in between)
        for number, (port, route) in enumerate(zip(ports, between, strict=True)):
            name = f"s{number}"
            config = directory / f"{name}.conf"
            config.write_text(
                _CONFIG.format(
                    name=name,
                    host=_HOST,
                    port=port,
                    route=route,
                    routes=routes,
                    directory=directory,
                )
            )
            self._names[name] = port
            self.servers[port] = Child(
                name,
                [find_program(), "--config", str(config)],
                directory,
                ready=_ready(port),
            )

    @property
    def urls(self) -> str:
        return ",".join(f"nats://{_HOST}:{port}" for port in self.servers)

    def start(self) -> None:
        """All of them: none is ready before it knows the others."""
        for server in self.servers.values():
            server.launch()
        for server in self.servers.values():
            server.wait_ready()

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop(grace_s=0.2)

    async def leader(self, link: NatsLink, stream: str) -> int:
        """The port of the stream's leader. Waits until there is one and the others follow."""
        while True:
            try:
                cluster = (await link.jetstream(1.0).stream_info(stream)).cluster
            except NatsError:
                cluster = None
            if cluster and cluster.leader and all(one.current for one in cluster.replicas or []):
                return self._names[cluster.leader]
            await asyncio.sleep(0.05)


def _ready(port: int) -> Callable[[], bool]:
    return lambda: answers(_HOST, port, greeting=b"INFO ")
