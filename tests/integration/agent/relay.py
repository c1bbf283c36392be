"""A unix socket between the engine and its client that a test can cut, or let hang on some calls."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Self


class Relay:
    """Passes bytes between `path` and the socket behind it. Use as a context."""

    def __init__(self, path: Path, behind: str) -> None:
        self.url = f"unix://{path}"
        self._path = path
        self._behind = behind.removeprefix("unix://")
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        #: requests with any of these words never reach the engine while they are here
        self.stalled: set[bytes] = set()
        #: how many requests are held back now
        self.held_back = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._accept, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.stalled.clear()
        await self.cut()

    async def cut(self) -> None:
        """End every connection as it is, in the middle of whatever it says."""
        for writer in tuple(self._writers):
            writer.transport.abort()
        while self._writers:  # noqa: ASYNC110 - their tasks end within a turn or two
            await asyncio.sleep(0.005)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, engine = await asyncio.open_unix_connection(self._behind)
        self._writers |= {writer, engine}
        try:
            await asyncio.gather(self._ask(reader, engine), _pump(there, writer))
        finally:
            self._writers -= {writer, engine}

    async def _ask(self, client: asyncio.StreamReader, engine: asyncio.StreamWriter) -> None:
        async def hold_back(part: bytes) -> None:
            self.held_back += 1
            try:
                while any(word in part for word in self.stalled):  # noqa: ASYNC110 - a test's set
                    await asyncio.sleep(0.02)
            finally:
                self.held_back -= 1

        await _pump(client, engine, hold_back)


async def _pump(
    source: asyncio.StreamReader,
    sink: asyncio.StreamWriter,
    before: Callable[[bytes], Awaitable[None]] | None = None,
) -> None:
    with suppress(OSError):
        while part := await source.read(65536):
            if before:
                await before(part)
            sink.write(part)
            await sink.drain()
    sink.close()
