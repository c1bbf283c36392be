"""`EngineEvents`: the engine's event stream, read in a thread of its own.

Events wake the agent and are never the truth: the engine keeps only the newest 256 and skips a
listener that is slow. Every end of the stream therefore means: list everything again.
"""

import asyncio
import json
import socket
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import structlog
from requests import Response

from agent.adapters.docker_calls import connect
from agent.adapters.docker_faults import DOCKER_ERRORS, fault
from agent.adapters.docker_labels import PROJECT, slot_key
from agent.errors import EngineFailed, EngineUnavailable
from agent.ports import EngineEvent
from schemas.errors import TroopersError

log = structlog.get_logger()

#: Every health check and probe tells exec_create, exec_start and exec_die, which nobody needs.
_ACTIONS = (
    "create",
    "start",
    "die",
    "oom",
    "kill",
    "stop",
    "pause",
    "unpause",
    "health_status",
    "update",
    "rename",
    "destroy",
)
_FILTERS = json.dumps({"type": ["container"], "label": [PROJECT], "event": _ACTIONS})

_DOING = "follow the engine's events"
#: An engine that is well answers with the head of the stream at once.
_HEAD_S = 10.0
#: Four times what the engine itself keeps. A loop that is further behind should list again.
_WAITING_MAX = 1024
#: A reader whose socket was shut ends in milliseconds.
_END_S = 2.0
#: of a line that can't be read
_SHOWN_MAX = 100


class DockerEvents:
    """The event stream of the engine at `url`. Each subscription has a thread and a connection."""

    def __init__(self, url: str, *, head_s: float = _HEAD_S) -> None:
        self._url = url
        self._head_s = head_s

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[EngineEvent]]:
        reader = _Reader(self._url, self._head_s, asyncio.get_running_loop())
        reader.start()
        try:
            await reader.opened()
            yield reader.events()
        finally:
            await reader.close()


class _Reader:
    """One subscription: a thread that only enqueues, and the queue's asyncio side."""

    def __init__(self, url: str, head_s: float, loop: asyncio.AbstractEventLoop) -> None:
        self._url = url
        self._head_s = head_s
        self._loop = loop
        self._waiting: deque[EngineEvent] = deque()
        self._changed = asyncio.Event()
        self._open = asyncio.Event()
        self._ended = asyncio.Event()
        self._lock = threading.Lock()
        #: guarded by the lock: the thread opens it, the loop shuts it
        self._socket: socket.socket | None = None
        self._is_closing = False
        self._failure: TroopersError | None = None
        # A daemon: while the engine hangs it waits for the head, and must not hold up an exit.
        self._thread = threading.Thread(target=self._read, name="engine-events", daemon=True)

    def start(self) -> None:
        """Begin to read; raise when the node has no thread left for it."""
        try:
            self._thread.start()
        except RuntimeError as error:
            raise EngineUnavailable(f"{_DOING}: {error}") from error

    async def opened(self) -> None:
        """Return when the subscription stands; raise when it can't."""
        await self._open.wait()
        if self._failure is not None:
            raise self._failure

    async def events(self) -> AsyncIterator[EngineEvent]:
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._ended.is_set():
                break
            self._changed.clear()
            await self._changed.wait()
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Shut the connection, which wakes the thread wherever it reads."""
        with self._lock:
            self._is_closing = True
            if self._socket is not None:
                _shut(self._socket)
        if not self._open.is_set():
            return
        try:
            async with asyncio.timeout(_END_S):
                await self._ended.wait()
        except TimeoutError:
            # It holds up nobody, and says nothing any more.
            log.warning("a reader of the engine's events does not end", waited_s=_END_S)

    # -- in the thread -----------------------------------------------------------------------

    def _read(self) -> None:
        try:
            self._follow()
        except DOCKER_ERRORS as error:
            self._fail(fault(_DOING, error), error)
        except EngineFailed as error:
            self._fail(error, error.__cause__)
        except Exception as error:
            log.exception("a defect of the agent ends a stream of events")
            self._fail(EngineFailed(f"{_DOING}: {type(error).__name__}: {error}"), error)
        finally:
            # Whatever has ended it: who isn't told waits for ever.
            self._tell(self._ended, self._open, self._changed)

    def _fail(self, failure: TroopersError, cause: BaseException | None) -> None:
        if not self._is_closing:
            self._failure = failure
            self._failure.__cause__ = cause

    def _follow(self) -> None:
        client = connect(self._url, self._head_s)
        try:
            with client.get(
                f"{client.base_url}/v{client.api_version}/events",
                # The engine sends the head before it subscribes us. What it says in between is
                # told because of `since`, which it looks up and subscribes under one lock.
                params={"filters": _FILTERS, "since": f"{time.time():.9f}"},
                stream=True,
                timeout=self._head_s,
            ) as response:
                response.raise_for_status()
                if self._keep(_socket_of(response)):
                    self._tell(self._open)
                    self._enqueue(response)
        finally:
            client.close()

    def _keep(self, connection: socket.socket) -> bool:
        """Remember the socket for `close`; False when that was called already."""
        with self._lock:
            if self._is_closing:
                return False
            self._socket = connection
            # The next event may be hours away.
            connection.settimeout(None)
            return True

    def _enqueue(self, response: Response) -> None:
        for line in response.iter_lines():
            # Being so far behind is a disconnect: the listing that follows is cheaper.
            if self._is_closing or len(self._waiting) >= _WAITING_MAX:
                return
            if line:
                self._waiting.append(_event(line))
                self._tell(self._changed)

    def _tell(self, *happened: asyncio.Event) -> None:
        try:
            for each in happened:
                self._loop.call_soon_threadsafe(each.set)
        except RuntimeError:
            return  # The loop has ended, and with it everybody who could want to know.


def _socket_of(response: Response) -> socket.socket:
    connection = response.raw.connection
    # The head has just come and no body yet, so there is one.
    if connection is None or connection.sock is None:
        raise ConnectionError("the stream was closed with its head")
    return cast(socket.socket, connection.sock)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The engine was faster.


def _event(line: bytes) -> EngineEvent:
    """What a line says. One that can't be read may say anything, so the stream ends with it."""
    try:
        said: Mapping[str, Any] = json.loads(line)
        attributes: dict[str, str] = said["Actor"].get("Attributes") or {}
        return EngineEvent(
            # "health_status: healthy" carries its result in the action.
            action=str(said["Action"]),
            container_id=str(said["Actor"]["ID"]),
            key=slot_key(attributes),
            attributes=attributes,
            at=int(said["timeNano"]) / 1e9,
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        shown = ascii(line[:_SHOWN_MAX].decode(errors="replace"))
        raise EngineFailed(f"{_DOING}: this is no event: {shown}") from error
