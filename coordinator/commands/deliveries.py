"""`Deliveries`: signals under way. They end with the lease of this coordinator.

Writes: requests to agents; the record that remembers a delivered signal.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import structlog

from coordinator.commands.catalogue import Decision
from coordinator.commands.deciding import Deciding
from coordinator.commands.signalling import Signalling
from coordinator.errors import NotActive
from schemas.command import AnyCommand, AnyProjectCommand
from schemas.errors import InvalidInput, Transient
from schemas.reply import Progress, Reason, ReasonCode, Reply

log = structlog.get_logger()

#: told of every command and its first answer
Journal = Callable[[AnyCommand, Reply], None]


class Deliveries:
    """Delivers each command's signals once, however often the command is sent meanwhile."""

    def __init__(self, signalling: Signalling, deciding: Deciding, journal: Journal) -> None:
        self._signalling = signalling
        self._deciding = deciding
        self._journal = journal
        self._under_way: dict[tuple[str, str], asyncio.Task[Reply]] = {}
        self._is_open = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Signals can be delivered; those still under way at the end are given up."""
        self._is_open = True
        try:
            yield
        finally:
            self._is_open = False
            # No task group: a delivery that fails for a defect of ours fails its own command only.
            given_up = list(self._under_way.values())
            for task in given_up:
                task.cancel()
            await asyncio.gather(*given_up, return_exceptions=True)

    def begin(self, command: AnyProjectCommand, decision: Decision) -> "asyncio.Task[Reply]":
        """Deliver; sent again meanwhile, the command waits for the same delivery.

        Raises:
            NotActive: this coordinator takes no commands any more.
        """
        key = (command.project, command.command_id)
        if key not in self._under_way:
            if not self._is_open:
                raise NotActive("signals are delivered by the active coordinator only")
            task = asyncio.create_task(self._deliver(command, decision))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return self._under_way[key]

    async def _deliver(self, command: AnyProjectCommand, decision: Decision) -> Reply:
        reply = decision.reply.plain
        fault = await self._signalling.deliver(command.project, decision.signalled, decision.signal)
        if fault:
            reason = Reason(code=ReasonCode.FAILED, message=fault)
            reply = reply.model_copy(update={"progress": Progress.FAILED, "reason": reason})
        else:
            try:
                await self._deciding.remember(command, decision)
            except (InvalidInput, Transient) as error:
                # Delivered it is. Sent again, the command would signal again, and that is all.
                log.warning("a delivered signal is not remembered", error=str(error))
        self._journal(command, reply)
        return reply
