"""Answers the node request `signal`: send a signal to containers, without wanting anything else.

Reads: `troopers.node.<node>.signal`. Writes: the engine.
"""

import asyncio
from collections.abc import Callable

from agent.ports import ContainerEngine
from schemas.codec import SchemaError, decode, encode
from schemas.errors import InvalidInput, TroopersError
from schemas.node_requests import SignalReply, SignalRequest

VERB = "signal"


class Signals:
    """Signals our own containers."""

    def __init__(
        self, engine: ContainerEngine, clock: Callable[[], float], epoch: Callable[[], int]
    ) -> None:
        """`epoch`: the highest one whose orders were ever taken."""
        self._engine = engine
        self._clock = clock
        self._epoch = epoch

    async def answer(self, payload: bytes) -> bytes:
        """A `SignalReply`, which says why when any of them could not be signalled."""
        try:
            await self._send(decode(SignalRequest, payload))
        except TroopersError as error:
            return encode(SignalReply(error=str(error)))
        return encode(SignalReply())

    async def _send(self, request: SignalRequest) -> None:
        if request.epoch < self._epoch():
            raise InvalidInput("refused: it comes from a coordinator that is no longer active")
        # Who asked has been told by now that it failed.
        if self._clock() > request.deadline.timestamp():
            raise InvalidInput("refused: its deadline has passed, by the clock of this node")
        ours = {seen.id for seen in await self._engine.containers()}
        foreign = [wanted[:12] for wanted in request.containers if wanted not in ours]
        if foreign:
            raise SchemaError(
                f"no such container of ours: {', '.join(foreign)}", where="containers"
            )
        results = await asyncio.gather(
            *(self._engine.kill(wanted, request.signal) for wanted in request.containers),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
