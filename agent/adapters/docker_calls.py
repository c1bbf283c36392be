"""Blocking docker-py calls on a bounded pool of threads, each with a deadline.

A thread can't be cancelled. So every call carries a finite socket time-out that ends with its
deadline: the pool is free again at most moments after the caller has been told.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from docker import APIClient
from docker.errors import APIError, DockerException

from agent.adapters.docker_faults import DOCKER_ERRORS, fault
from agent.adapters.docker_socket import mount_unix_socket
from agent.errors import EngineUnavailable

Answer = TypeVar("Answer")

#: What docker-py needs to hear before anybody knows the engine's; the question has no version.
_ANY_VERSION = "1.41"

#: What a socket time-out may be late by before the caller is told without it.
_MARGIN_S = 0.5


class EngineCalls:
    """Runs functions of a docker-py client for one engine, `workers` at a time."""

    def __init__(self, url: str, *, name: str, workers: int, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._own = threading.local()
        self._clients: set[APIClient] = set()

    async def call(
        self, doing: str, act: Callable[[APIClient], Answer], timeout_s: float | None = None
    ) -> Answer:
        """Run `act`; waiting for a free worker counts against the deadline.

        `doing` is the verb and the object's name, for messages. `timeout_s`: when it shall be
        shorter than that of all calls. Raises our errors only.
        """
        timeout_s = min(timeout_s or self._timeout_s, self._timeout_s)
        deadline = time.monotonic() + timeout_s
        loop = asyncio.get_running_loop()
        try:
            acting = loop.run_in_executor(self._pool, self._act, act, deadline)
        except RuntimeError as error:
            # No memory or no process number for another thread; or the agent is about to end.
            raise EngineUnavailable(f"{doing}: {error}") from error
        try:
            async with asyncio.timeout(timeout_s + _MARGIN_S):
                return await acting
        except DOCKER_ERRORS as error:
            raise fault(doing, error) from error

    def close(self) -> None:
        """Take no more calls and forget the waiting ones. Running ones end by their deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for client in tuple(self._clients):
            client.close()  # only idle connections; a call in its thread goes on

    def _act(self, act: Callable[[APIClient], Answer], deadline: float) -> Answer:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("no worker was free in time")
        client = self._client(left_s)
        client.timeout = left_s  # type: ignore[assignment]  # the stub says int, requests takes both
        try:
            return act(client)
        except APIError as error:
            if error.status_code == 400 and "client version" in str(error.explanation):
                self._forget_client()
            raise
        except DOCKER_ERRORS:
            # Whatever is on the other side next may speak another API version.
            self._forget_client()
            raise

    def _client(self, timeout_s: float) -> APIClient:
        """This thread's client: docker-py's sessions are not safe to share."""
        client: APIClient | None = getattr(self._own, "client", None)
        if client is None:
            client = connect(self._url, timeout_s)
            self._own.client = client
            self._clients.add(client)
        return client

    def _forget_client(self) -> None:
        client: APIClient | None = getattr(self._own, "client", None)
        self._own.client = None
        if client is not None:
            self._clients.discard(client)
            client.close()


def connect(url: str, timeout_s: float) -> APIClient:
    """A client for exactly this engine. Asks it for its API version, so it may fail or block."""
    # Not by the constructor: when it fails there, nobody can close its connection.
    asking = _client(url, timeout_s, _ANY_VERSION)
    try:
        version = asking.version(api_version=False).get("ApiVersion")
    finally:
        asking.close()
    if version is None:
        raise DockerException("what answers is no Docker Engine")
    return _client(url, timeout_s, str(version))


def _client(url: str, timeout_s: float, version: str) -> APIClient:
    # The stub wants whole seconds; requests takes any number.
    client = APIClient(base_url=url, version=version, timeout=timeout_s)  # type: ignore[arg-type]
    # Or requests looks for proxies and a .netrc in the environment, on every call.
    client.trust_env = False
    mount_unix_socket(client, url, timeout_s)
    return client
