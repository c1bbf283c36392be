"""`HealthProbe`: the checks of `aliyun.probe.*`, from the container's own host.

A template's author chooses the URL, so it leads nowhere but to the container itself: its host is
the word `container`, and no redirect is followed.
"""

import asyncio
from typing import Self
from urllib.parse import SplitResult, urlsplit

import aiohttp
import structlog

from agent.domain.observation import SeenContainer
from agent.ports import ContainerEngine
from schemas.errors import TroopersError
from schemas.service import Probe

log = structlog.get_logger(__name__)

_CONTAINER = "container"
_LOOPBACK = "127.0.0.1"


class ContainerProbe:
    """Checks one container at a time over HTTP, over TCP or by a command. Use as a context."""

    def __init__(self, engine: ContainerEngine) -> None:
        self._engine = engine
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def check(self, container: SeenContainer, probe: Probe) -> bool:
        try:
            async with asyncio.timeout(probe.timeout_s):
                if probe.cmd is not None:
                    return await self._command(container, probe.cmd, probe.timeout_s)
                return probe.url is not None and await self._url(container, probe.url)
        # ValueError: a URL that is none, which the coordinator should have refused.
        except (TroopersError, aiohttp.ClientError, OSError, ValueError) as error:
            log.debug("a probe failed", container=container.name, error=str(error))
            return False

    async def _command(self, container: SeenContainer, command: str, timeout_s: float) -> bool:
        return await self._engine.run_probe_command(container.id, command, timeout_s) == 0

    async def _url(self, container: SeenContainer, url: str) -> bool:
        parts = urlsplit(url)
        address = _address(container)
        if parts.hostname != _CONTAINER or not address:
            return False
        if parts.scheme == "tcp":
            return parts.port is not None and await _connects(address, parts.port)
        if parts.scheme not in {"http", "https"}:
            return False
        async with self._http().get(_at(parts, address), allow_redirects=False) as response:
            return 200 <= response.status < 400

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A check is one connection: reusing one would hide a server that accepts no more.
            connector = aiohttp.TCPConnector(force_close=True, limit=0, ssl=False)
            # No cookies from one container to the next.
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _address(container: SeenContainer) -> str:
    """Where the node reaches the container; with the host's network that is the node itself."""
    return _LOOPBACK if container.networks == {"host"} else container.ip


def _at(parts: SplitResult, address: str) -> str:
    """The URL with the address in the place of its host, and without anybody's credentials."""
    host = f"[{address}]" if ":" in address else address
    port = f":{parts.port}" if parts.port is not None else ""
    return parts._replace(netloc=host + port).geturl()


async def _connects(address: str, port: int) -> bool:
    _, writer = await asyncio.open_connection(address, port)
    writer.close()
    return True
