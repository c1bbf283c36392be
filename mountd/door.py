"""The unix socket: who may speak to mountd, and how much.

One JSON line with orders is answered by one JSON line with a report, on the same connection as
often as the client likes. Every client is bounded: in number, in size, and in how long it may idle.

Writes: the socket's file.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from schemas.codec import SchemaError, decode, encode
from schemas.mounting import LINE_BYTES_MAX, MountOrders, MountReport

log = structlog.get_logger()

#: an agent, its successor, and an operator or two
CLIENTS_MAX = 8
#: an agent asks at least twice a minute; one that is silent for so long is gone
IDLE_S_MAX = 120.0
#: to send a request once begun, or to take a report
TRANSFER_S_MAX = 5.0
#: how long a client that has hung up may keep its place
HANG_UP_S = 0.5
#: pid, uid, gid of the process that connected
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Guests:
    """Who may connect: root always, and these users; `group` owns the socket's file."""

    users: frozenset[int] = frozenset()
    group: int = -1


Answer = Callable[[MountOrders], Coroutine[Any, Any, MountReport]]


class Door:
    """Serves `answer` on a unix socket."""

    def __init__(self, path: Path, guests: Guests, answer: Answer) -> None:
        self._path = path
        self._guests = guests
        self._answer = answer
        self._clients = 0

    async def serve(self) -> asyncio.Server:
        """Listen. A socket that an earlier process left behind is replaced."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Bound under another name and renamed: nobody can connect before its mode is right, and
        # there is no moment without a socket.
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.unlink(missing_ok=True)
        listening.bind(str(fresh))
        os.chown(fresh, -1, self._guests.group)
        fresh.chmod(0o660)
        fresh.rename(self._path)
        return await asyncio.start_unix_server(
            self._welcome, sock=listening, limit=LINE_BYTES_MAX, backlog=CLIENTS_MAX
        )

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self._may_enter(writer):
                return
            self._clients += 1
            try:
                await self._converse(reader, writer)
            finally:
                self._clients -= 1
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.debug("a client has gone", why=type(error).__name__)
        except asyncio.CancelledError:
            # Only the end of the loop cancels this task, which nobody waits for. Passed on, Python
            # 3.11 would log it as an error of its own.
            log.debug("hung up on a client: mountd stops")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _may_enter(self, writer: asyncio.StreamWriter) -> bool:
        peer = writer.get_extra_info("socket").getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        _, user, _ = _CREDENTIALS.unpack(peer)
        if user != 0 and user not in self._guests.users:
            log.warning("turned away: not root nor the agent's user", uid=user)
            return False
        if self._clients >= CLIENTS_MAX:
            log.warning("turned away: too many clients", clients=self._clients)
            return False
        return True

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await self._request(reader):
            report = await self._while_connected(reader, self._reply_to(line))
            writer.write(encode(report) + b"\n")
            async with asyncio.timeout(TRANSFER_S_MAX):
                await writer.drain()

    async def _request(self, reader: asyncio.StreamReader) -> bytes:
        """One line; empty at the end of the conversation."""
        async with asyncio.timeout(IDLE_S_MAX):
            first = await reader.read(1)
        if first in (b"", b"\n"):
            return first
        try:
            async with asyncio.timeout(TRANSFER_S_MAX):
                return first + await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            log.warning("turned away: a request of more than 1 MiB")
            return b""

    async def _while_connected(
        self, reader: asyncio.StreamReader, answer: Coroutine[Any, Any, MountReport]
    ) -> MountReport:
        """Wait for the answer, unless nobody does any more: agents hang up to give new orders."""
        answering = asyncio.ensure_future(answer)
        try:
            while not (await asyncio.wait({answering}, timeout=HANG_UP_S))[0]:
                if reader.at_eof():
                    raise ConnectionResetError("the client has hung up")
            return answering.result()
        finally:
            answering.cancel()

    async def _reply_to(self, line: bytes) -> MountReport:
        try:
            orders = decode(MountOrders, line)
        except SchemaError as error:
            # The schema's messages name the field and never quote a value, which may be a key.
            log.warning("orders refused", error=str(error))
            return MountReport(number=-1, error=str(error))
        return await self._answer(orders)
