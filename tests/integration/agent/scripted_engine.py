"""A Docker Engine on a unix socket that says what a test tells it to, down to the byte."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Self

_VERSION = {"ApiVersion": "1.41", "Version": "20.10"}


class ScriptedEngine:
    """Answers /version as engines do, and other paths as `say` was told. Use as a context."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        #: requests by the last part of their path
        self.asked: Counter[str] = Counter()
        self._path = path
        self._answers: dict[str, tuple[str, bytes]] = {}
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    def say(self, verb: str, body: bytes, status: str = "200 OK") -> None:
        """What requests whose path ends with `verb` are answered with."""
        self._answers[verb] = (status, body)

    def refuse(self, verb: str, status: str, message: str) -> None:
        self.say(verb, json.dumps({"message": message}).encode(), status)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._accept, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        while self._writers:  # noqa: ASYNC110 - their tasks end within a turn or two
            await asyncio.sleep(0.005)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await self._answer(await reader.readuntil(b"\r\n\r\n"), writer)
        writer.close()
        self._writers.discard(writer)

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        verb = head.split()[1].decode().partition("?")[0].rsplit("/", 1)[-1]
        self.asked[verb] += 1
        status, body = self._answers.get(verb, ("200 OK", json.dumps(_VERSION).encode()))
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        # Real engines send the head of a stream before there is anything to say.
        await writer.drain()
        await asyncio.sleep(0.02)
        if body:
            writer.write(b"%x\r\n%s\r\n" % (len(body), body))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
