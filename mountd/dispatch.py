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
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import structlog

from mountd.errands.result import Result

log = structlog.get_logger()

#: what an errand gets beyond its alarm: to start up, and to die of it
_ALARM_GRACE_S = 2.0
#: what the kernel gets to end a process that was killed
_KILL_GRACE_S = 1.0
#: A second one tells whether the first one's trouble is over. A third one would tell nothing new.
HANGING_MAX = 2
#: At work at once. One that hangs has its place for seconds only: a share that answers is asked,
#: however many others don't.
ERRANDS_MAX = 64
#: For a place. Who gets none in this time was not asked, which says nothing about its server.
_PLACE_S_MAX = 15.0
#: a probe says where each sub path is held
_RESULT_BYTES_MAX = 1 << 21
_PROGRAM = (sys.executable, "-I", "-m", "mountd.errands")


class ErrandLostError(Exception):
    """An errand brought no result; the text says why. What it has done is unknown."""


class ErrandVoidError(ErrandLostError):
    """An errand was never sent, or failed by itself: it says nothing about any server."""


class _Errand(asyncio.SubprocessProtocol):
    """Hears what one errand says, and when it ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.said = bytearray()
        self.ended: asyncio.Future[None] = loop.create_future()
        #: it has ended, and all that it said has been heard
        self.complete: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, _fd: int, data: bytes) -> None:
        if len(self.said) < _RESULT_BYTES_MAX:
            self.said += data

    def process_exited(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.complete.done():
            self.complete.set_result(None)


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

    def close(self) -> None:
        """Stop caring about those that hang. They end when their servers let them."""
        for task in self._left_behind:
            task.cancel()

    async def run(self, key: str, order: dict[str, Any], alarm_s: float) -> Result:
        """Run one errand on the share that `key` names.

        Raises:
            ErrandVoidError: this node can't start a process now, or has too many at work, or the
                errand's own program failed.
            ErrandLostError: no result in time.
        """
        if self._hanging[key] >= HANGING_MAX:
            raise ErrandLostError(f"{self._hanging[key]} processes hang on it")
        async with self._place():
            try:
                transport, errand = await self._send({**order, "alarm_s": alarm_s})
            except OSError as error:
                why = os.strerror(error.errno or 0)
                log.warning("an errand could not be sent", on=key, why=why)
                raise ErrandVoidError(f"no process could be started for it: {why}") from error
            try:
                is_late = not await _wait(errand.complete, alarm_s + _ALARM_GRACE_S)
                _kill(transport)
                has_ended = await _wait(errand.ended, _KILL_GRACE_S)
            except asyncio.CancelledError:
                _kill(transport)
                transport.close()
                raise
            if has_ended:
                transport.close()
            else:
                self._leave_behind(key, transport, errand)
        # Also of one that was stopped: it may have said something before it began to take long.
        result = Result.last_of(bytes(errand.said))
        if result is not None:
            return result
        if not has_ended:
            raise ErrandLostError(f"no answer within {alarm_s:g} s; the question still hangs")
        code = transport.get_returncode()
        if is_late or code == -signal.SIGALRM:
            raise ErrandLostError(f"no answer within {alarm_s:g} s")
        # A defect, a kernel short of memory, an upgrade that has its program's files away.
        log.warning("an errand ended without a result", on=key, code=code)
        raise ErrandVoidError("an errand of ours failed; mountd's log says how")

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_PLACE_S_MAX):
                await self._places.acquire()
        except TimeoutError as error:
            raise ErrandVoidError("too many shares of this node don't answer") from error
        try:
            yield
        finally:
            self._places.release()

    @staticmethod
    async def _send(order: dict[str, Any]) -> tuple[asyncio.SubprocessTransport, _Errand]:
        loop = asyncio.get_running_loop()
        transport, errand = await loop.subprocess_exec(
            lambda: _Errand(loop),
            *_PROGRAM,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None,
            # Never a directory that somebody may want to unmount.
            cwd="/",
            start_new_session=True,
        )
        question = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
        question.write(json.dumps(order).encode())
        question.close()
        return transport, errand

    def _leave_behind(
        self, key: str, transport: asyncio.SubprocessTransport, errand: _Errand
    ) -> None:
        self._hanging[key] += 1
        pid = transport.get_pid()
        log.warning("a process hangs in the kernel", on=key, pid=pid, all=self.hanging)

        async def see_it_end() -> None:
            try:
                await errand.ended
            finally:
                # Not before: a loop doesn't tell the end of what it has closed.
                transport.close()
            self._hanging[key] -= 1
            log.info("a process that hung has ended", on=key, pid=pid, all=self.hanging)
            self._freed(key)

        task = asyncio.get_running_loop().create_task(see_it_end(), name=f"hanging {pid}")
        self._left_behind.add(task)
        task.add_done_callback(self._left_behind.discard)


async def _wait(event: asyncio.Future[None], timeout_s: float) -> bool:
    """Whether it came in time. Unlike `wait_for`, this leaves the future to others."""
    done, _ = await asyncio.wait({event}, timeout=timeout_s)
    return bool(done)


def _kill(transport: asyncio.SubprocessTransport) -> None:
    """With whatever it has started in its session."""
    if transport.get_returncode() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
