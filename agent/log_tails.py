"""Reads what containers printed last, once for every exit or unhealthy run, beside the passes.

What can't be read has no lines. Reads: the engine. Writes: nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import structlog

from agent.domain.log_tails import LastRun
from agent.ports import ContainerEngine
from schemas.errors import Permanent, Transient
from schemas.names import SlotKey

log = structlog.get_logger()

#: A node whose containers all crash at once has better things to do than to read their logs.
CONCURRENT_READS = 2


class LogTails:
    """Keeps the lines for as long as somebody watches, and one task for each that is not read."""

    def __init__(
        self, engine: ContainerEngine, tasks: asyncio.TaskGroup, on_read: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._tasks = tasks
        self._on_read = on_read
        self._turns = asyncio.Semaphore(CONCURRENT_READS)
        self._read: dict[LastRun, tuple[str, ...]] = {}
        self._reading: dict[LastRun, asyncio.Task[None]] = {}

    @property
    def results(self) -> Mapping[SlotKey, tuple[str, ...]]:
        """The lines by slot; not read yet: missing."""
        return {run.key: lines for run, lines in self._read.items()}

    def watch(self, runs: Iterable[LastRun]) -> None:
        """Know the lines of exactly these from now on. Returns at once."""
        wanted = set(runs)
        for run in self._reading.keys() - wanted:
            self._reading.pop(run).cancel()
        self._read = {run: lines for run, lines in self._read.items() if run in wanted}
        for run in wanted - self._read.keys() - self._reading.keys():
            name = f"read the log of {run.key}"
            self._reading[run] = self._tasks.create_task(self._learn(run), name=name)

    async def _learn(self, run: LastRun) -> None:
        async with self._turns:
            try:
                lines = await self._engine.log_tail(run.container_id)
            except (Transient, Permanent):
                # Read once: a log that is slow or gone isn't worth another call.
                lines = ()
            except Exception:
                log.exception("a defect of the agent: a container's log", slot=str(run.key))
                lines = ()
        self._read[run] = lines
        del self._reading[run]
        if lines:
            self._on_read()
