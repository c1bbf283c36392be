"""`Client`: nats-py's, with its traps closed.

- A cancellation always reaches who is cancelled. nats-py waits with `asyncio.wait_for`, which
  before Python 3.12 forgets one that arrives together with the answer (gh-86296), and ignores one
  while it waits for a full socket; a part that is cancelled once, as at SIGTERM, would then go on
  for ever.
- What waits when the connection is closed fails with `ConnectionClosedError`. nats-py cancels the
  futures that its callers wait for, and two of its tasks wait for one socket's end: who cancels the
  first one cancels the second as well. A caller would take that for the end of its own task.
- `flush` covers what was queued before it, and one that nobody waits for any more ends nothing.
- A `tls://` server that speaks plain text is told no password.
- It can be left at once, however dead its socket is.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from nats.aio import client as upstream
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError


@contextlib.contextmanager
def cancellation_kept() -> Iterator[None]:
    """Let what is inside neither swallow a cancellation of the task that runs this nor invent one.

    Raises:
        CancelledError: the task was cancelled meanwhile, whatever came out of the block.
        ConnectionClosedError: only what the task waited for was cancelled.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    except asyncio.CancelledError:
        if task and task.cancelling() == before:
            raise ConnectionClosedError from None
        raise
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


class Client(upstream.Client):
    """One connection. Everything of nats-py's, JetStream contexts included, goes through these."""

    async def connect(self, *args: Any, **settings: Any) -> None:
        with cancellation_kept():
            await super().connect(*args, **settings)

    async def publish(self, *args: Any, **options: Any) -> None:
        """Return once it is queued, which takes as long as a full socket stays full."""
        with cancellation_kept():
            await super().publish(*args, **options)

    async def request(self, *args: Any, **options: Any) -> Msg:
        with cancellation_kept():
            return await super().request(*args, **options)

    async def flush(self, *args: Any, **options: Any) -> None:
        """Return when the server has seen everything that was sent before."""
        with cancellation_kept():
            # nats-py writes the PING ahead of what is still queued, so only the second PONG tells.
            await super().flush(*args, **options)
            await super().flush(*args, **options)

    async def drain(self) -> None:
        with cancellation_kept():
            await super().drain()

    async def leave(self, patience_s: float) -> None:
        """Close, whatever state this is in: what is queued is sent if the connection stands.

        A lost one's socket may take a quarter of an hour to say so; nobody waits for that.
        """
        if self._transport is None:
            return
        if not self.is_connected:
            # nats-py's own close may hang in the dead socket already. Begin it anew, with nothing
            # to send, so that it gets as far as ending the subscriptions.
            self._pending, self._pending_data_size = [], 0
            self._status = self.DISCONNECTED
            self._abort()
        try:
            async with asyncio.timeout(patience_s):
                with cancellation_kept():
                    await self.close()
        except (NatsError, OSError):
            self._abort()

    def _abort(self) -> None:
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()

    async def _process_pong(self) -> None:
        # nats-py sets the result of a flush that was cancelled meanwhile, which raises, which ends
        # its reading: the link then is deaf until unanswered pings end it.
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        # nats-py encrypts when the server asks for it, and would otherwise send the password as it
        # is: to a server that was set up wrong, or to somebody in between.
        server = self._current_server
        is_tls = server is not None and server.uri.scheme == "tls"
        if initial_connection and is_tls and not info.get("tls_required"):
            raise NatsError("nats: the server speaks plain text, and its URL says tls://")
        await super()._process_info(info, initial_connection)
