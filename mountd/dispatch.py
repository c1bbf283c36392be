"""Sends errands out, and gives up those that don't come back.

Three deadlines, one inside the other: the errand's own alarm, our wait for it, and the caller's. A
process that hangs in the kernel can't be killed; it is left behind, counted, and noticed when it
ends. While too many hang on one share, no further one is sent there.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog

from mountd.errands.result import Result

log = structlog.get_logger()

#: what an errand gets beyond its alarm: to start up, and to die of it
_ALARM_GRACE_S = 2.0
#: what the kernel gets to end a process that was killed
_KILL_GRACE_S = 1.0
#: A second one tells whether the first one's trouble is over. A third one would tell nothing new.
HANGING_MAX = 2
#: on all shares together, of those that hang and those that work
ERRANDS_MAX = 64
_RESULT_BYTES_MAX = 65536
_PROGRAM = (sys.executable, "-I", "-m", "mountd.errands")


class ErrandLostError(Exception):
    """An errand brought no result; the text says why. What it has done is unknown."""


class Dispatch:
    """Every errand of one mountd. `freed` is told the key of one that hung and has ended."""

    def __init__(self, freed: Callable[[str], None]) -> None:
        self._freed = freed
        self._hanging: Counter[str] = Counter()
        self._places = asyncio.Semaphore(ERRANDS_MAX)
        self._left_behind: set[asyncio.Task[None]] = set()

    @property
    def hanging(self) -> int:
        """How many processes hang in the kernel."""
        return self._hanging.total()

    async def run(self, key: str, order: dict[str, Any], alarm_s: float) -> Result:
        """Run one errand on the share that `key` names.

        Raises:
            ErrandLostError: no result in time, or none at all.
        """
        if self._hanging[key] >= HANGING_MAX:
            raise ErrandLostError(f"{self._hanging[key]} processes hang on it")
        if self.hanging >= ERRANDS_MAX // 2:
            raise ErrandLostError("too many processes hang on this node's shares")
        async with self._places:
            process = await asyncio.create_subprocess_exec(
                *_PROGRAM,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                # Never a directory that somebody may want to unmount.
                cwd="/",
                start_new_session=True,
            )
            question = json.dumps({**order, "alarm_s": alarm_s}).encode()
            try:
                said = await asyncio.wait_for(
                    self._exchange(process, question), alarm_s + _ALARM_GRACE_S
                )
            except TimeoutError:
                said = b""
            finally:
                # With whatever it has started in its session, also when we are cancelled.
                _kill(process)
            if not await _has_ended(process):
                self._leave_behind(key, process)
                raise ErrandLostError(f"no answer within {alarm_s:g} s; the question still hangs")
        if process.returncode == -signal.SIGALRM or not said:
            raise ErrandLostError(f"no answer within {alarm_s:g} s")
        try:
            return Result.from_json(said)
        except ValueError as error:
            raise ErrandLostError("an errand of ours failed; mountd's log says how") from error

    @staticmethod
    async def _exchange(process: asyncio.subprocess.Process, question: bytes) -> bytes:
        assert process.stdin is not None  # noqa: S101 # both were asked for
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(ConnectionError):
            process.stdin.write(question)
            await process.stdin.drain()
        process.stdin.close()
        said = b""
        while len(said) < _RESULT_BYTES_MAX and (more := await process.stdout.read(4096)):
            said += more
        await process.wait()
        return said

    def _leave_behind(self, key: str, process: asyncio.subprocess.Process) -> None:
        self._hanging[key] += 1
        log.warning("a process hangs in the kernel", on=key, pid=process.pid, all=self.hanging)

        async def see_it_end() -> None:
            await process.wait()
            self._hanging[key] -= 1
            log.info("a process that hung has ended", on=key, pid=process.pid, all=self.hanging)
            self._freed(key)

        task = asyncio.get_running_loop().create_task(see_it_end(), name=f"hanging {process.pid}")
        self._left_behind.add(task)
        task.add_done_callback(self._left_behind.discard)


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def _has_ended(process: asyncio.subprocess.Process) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _KILL_GRACE_S)
    return process.returncode is not None
