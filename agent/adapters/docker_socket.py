"""docker-py's unix transport, without its leak: it forgets a socket that can't be connected.

An agent asks an engine that is down every few seconds, for hours; each time a socket would wait for
the garbage collector.
"""

import socket
from typing import Any

from docker import APIClient
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool

_SCHEME = "unix://"


def mount_unix_socket(client: APIClient, url: str, timeout_s: float) -> None:
    """Let the client reach a unix:// URL this way; any other URL is left to docker-py."""
    if url.startswith(_SCHEME):
        # The stub wants whole seconds; a socket takes any number.
        adapter = _Adapter(f"http+{url}", timeout=timeout_s)  # type: ignore[arg-type]
        client.mount("http+docker://", adapter)


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout)
            connection.connect(self.unix_socket)
        except OSError:
            connection.close()
            raise
        self.sock = connection


class _Pool(UnixHTTPConnectionPool):
    def _new_conn(self) -> Any:
        # The stub has urllib3's Timeout here, and docker-py keeps its plain number.
        return _Connection(self.base_url, self.socket_path, self.timeout)  # type: ignore[arg-type]


class _Adapter(UnixHTTPAdapter):
    def get_connection(self, url: Any, proxies: object = None) -> UnixHTTPConnectionPool:  # noqa: ARG002
        with self.pools.lock:
            pool: UnixHTTPConnectionPool | None = self.pools.get(url)
            if pool is None:
                pool = _Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
                self.pools[url] = pool
            return pool
