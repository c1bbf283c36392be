"""A Docker Engine that answers at a URL, wherever it came from.

Uses docker-py with an explicit URL: its own environment lookup follows the docker CLI's context.
"""

import io
import socket
import tarfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

import docker
from docker.errors import APIError, BuildError, NotFound

from cli.errors import CommandFailed
from cli.waiting import wait_until

#: Every container, network and volume that Troopers makes carries it.
PROJECT_LABEL = "troopers.project"
#: More only queues inside the engine on the machines we test on.
_PARALLEL_REMOVALS = 4


#: What an engine gets to notice that a network's last container is gone.
_NETWORK_DEADLINE_S = 5.0


class _UnixConnection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine behind `unix://PATH`."""

    url: str

    def answers(self, timeout_s: float = 2.0) -> bool:
        connection = _UnixConnection(self.url.removeprefix("unix://"), timeout_s)
        try:
            connection.request("GET", "/_ping")
            return connection.getresponse().read() == b"OK"
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    @contextmanager
    def client(self, timeout_s: float = 60.0) -> Iterator[docker.DockerClient]:
        """A docker-py client, closed at the end of the block."""
        client = docker.DockerClient(base_url=self.url, timeout=int(timeout_s))
        try:
            yield client
        finally:
            client.close()

    def has_image(self, tag: str) -> bool:
        with self.client() as client:
            return bool(client.images.list(name=tag))

    def build_image(self, tag: str, context: Mapping[str, bytes]) -> None:
        """Build from files that exist only here: path in the build context -> content.

        Files in `bin/`, with the suffix .sh or .cgi and `busybox` are executable.
        """
        with self.client(timeout_s=120) as client:
            try:
                client.images.build(
                    fileobj=io.BytesIO(tar_of(context)),
                    custom_context=True,
                    tag=tag,
                    rm=True,
                    forcerm=True,
                )
            except (BuildError, APIError) as error:
                raise CommandFailed(f"building the image {tag}: {error}") from error

    def import_image(self, tag: str, root: bytes, *, command: str = "sleep 86400") -> None:
        """Make a one-layer image from a tar of its root: no builder, so a fraction of a second."""
        repository, _, version = tag.partition(":")
        with self.client(timeout_s=120) as client:
            client.api.import_image_from_data(
                root, repository=repository, tag=version or "latest", changes=[f"CMD {command}"]
            )

    def remove_image(self, tag: str) -> None:
        with self.client() as client:
            try:
                client.images.remove(tag, force=True)
            except NotFound:
                return  # Somebody was faster.

    def wipe(self) -> None:
        """Remove every container, network and volume of Troopers; nothing of anybody else."""
        ours = {"label": PROJECT_LABEL}
        with self.client() as client, ThreadPoolExecutor(_PARALLEL_REMOVALS) as pool:
            containers = client.api.containers(all=True, filters=ours)
            list(pool.map(lambda row: self._remove_container(client, row["Id"]), containers))
            for network in client.networks.list(filters=ours):
                self._remove_network(client, network.id or "")
            for volume in client.volumes.list(filters=ours):
                volume.remove(force=True)

    @staticmethod
    def _remove_network(client: docker.DockerClient, network_id: str) -> None:
        """Also when an engine still counts the endpoint of a container that is gone."""

        def is_gone() -> bool:
            try:
                endpoints = client.api.inspect_network(network_id)["Containers"] or ()
            except NotFound:
                return True
            try:
                for endpoint in endpoints:
                    client.api.disconnect_container_from_network(endpoint, network_id, force=True)
                client.api.remove_network(network_id)
            except APIError as error:
                # 404: an endpoint's container is gone, which says nothing about the network.
                if error.status_code not in {403, 404, 409, 500}:
                    raise
                return False
            return True

        if not wait_until(is_gone, _NETWORK_DEADLINE_S, poll_s=0.2):
            raise CommandFailed(f"the engine does not let go of the network {network_id[:12]}")

    def remove_all_containers(self) -> None:
        """Remove every container, whoever made it: for engines that end with us."""
        with self.client() as client, ThreadPoolExecutor(_PARALLEL_REMOVALS) as pool:
            containers = client.api.containers(all=True)
            list(pool.map(lambda row: self._remove_container(client, row["Id"]), containers))

    @staticmethod
    def _remove_container(client: docker.DockerClient, container_id: str) -> None:
        try:
            client.api.remove_container(container_id, force=True, v=True)
        except NotFound:
            return  # It was removing itself.
        except APIError as error:
            if error.status_code != 409:  # 409: its removal is already under way.
                raise


def tar_of(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A tar with these files and symbolic links, owned by root, without times."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            executable = path.endswith((".sh", ".cgi", "busybox")) or "bin/" in path
            entry.mode = 0o755 if executable else 0o644
            tar.addfile(entry, io.BytesIO(content))
        for path, target in (links or {}).items():
            entry = tarfile.TarInfo(path)
            entry.type = tarfile.SYMTYPE
            entry.linkname = target
            tar.addfile(entry)
    return archive.getvalue()
