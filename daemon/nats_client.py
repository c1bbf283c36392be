"""`Client`: nats-py's, except that a cancellation always reaches who is cancelled.

nats-py waits with `asyncio.wait_for`, which before Python 3.12 forgets a cancellation that arrives
together with the answer (gh-86296). A part that is cancelled once, as at SIGTERM, would then go on
for ever.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from nats.aio import client as upstream
from nats.aio.msg import Msg


@contextlib.contextmanager
def cancellation_kept() -> Iterator[None]:
    """Let nobody inside swallow a cancellation of the task that runs this.

    Raises:
        CancelledError: the task was cancelled meanwhile, whatever came out of the block.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


class Client(upstream.Client):
    """One connection. Everything of nats-py's, JetStream contexts included, goes through these."""

    async def connect(self, *args: Any, **settings: Any) -> None:
        with cancellation_kept():
            await super().connect(*args, **settings)

    async def request(self, *args: Any, **options: Any) -> Msg:
        with cancellation_kept():
            return await super().request(*args, **options)

    async def flush(self, *args: Any, **options: Any) -> None:
        with cancellation_kept():
            await super().flush(*args, **options)

    async def drain(self) -> None:
        with cancellation_kept():
            await super().drain()
