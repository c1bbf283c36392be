"""A NATS server that misbehaves in ways a real one can't be told to."""

import asyncio
import json
from typing import Self

_GREETING = {"server_id": "x", "version": "2.15.1", "max_payload": 1 << 20, "headers": True}


class FakeServer:
    """Lets everybody in; speaks just enough of the protocol. Use as a context."""

    def __init__(self, **greeting: object) -> None:
        self._greeting = {**_GREETING, **greeting}
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0
        #: everything that was said, on any connection
        self.heard: list[bytes] = []
        #: it reads and says nothing: a half-open connection
        self.is_silent = False
        #: how many connections there were
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def say(self, last_words: bytes) -> None:
        """On the newest connection, and hang up."""
        writer = self._writers[-1]
        writer.write(last_words)
        await writer.drain()
        writer.close()

    def stop_reading(self) -> None:
        """On the newest connection, for ever: what its client sends stays with the client."""
        self._writers[-1].transport.pause_reading()  # type: ignore[attr-defined]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            writer.write(b"INFO " + json.dumps(self._greeting).encode() + b"\r\n")
            while line := await reader.readline():
                self.heard.append(line)
                if line.startswith(b"PING") and not self.is_silent:
                    writer.write(b"PONG\r\n")
        except ConnectionError:
            # The other side has given this connection up, as it should.
            return
