"""`until_told` and `eternal`: a daemon's life, which ends when it is told to or loudly."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from daemon.systemd import notify
from schemas.errors import InvariantBroken


def eternal(tasks: asyncio.TaskGroup, name: str, work: Coroutine[Any, Any, None]) -> None:
    """Run a task that must not end: if it does, so does the group, loudly."""
    tasks.create_task(_endless(name, work), name=name)


async def until_told(life: Coroutine[Any, Any, None]) -> None:
    """Live until SIGTERM or SIGINT; then cancel that life, and return when it has tidied up.

    Raises what ended it before, or went wrong while it tidied up.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    living = asyncio.create_task(_endless("life", life), name="life")
    waiting = asyncio.create_task(told.wait(), name="told to stop")
    try:
        await asyncio.wait({living, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if told.is_set():
            notify("STOPPING=1")
    finally:
        for task in (living, waiting):
            task.cancel()
        await asyncio.wait({living, waiting})
    if not living.cancelled():
        living.result()


async def _endless(name: str, work: Coroutine[Any, Any, None]) -> None:
    cause = None
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled us: something that it waited for was cancelled, and that is an end too.
        cause = error
    raise InvariantBroken(f"the task {name!r} has ended") from cause
