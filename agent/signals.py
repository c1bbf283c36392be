"""Answers the node request `signal`: send a signal to containers, without wanting anything else.

Reads: `troopers.node.<node>.signal`. Writes: the engine.
"""

import asyncio
import json

from pydantic import Field

from agent.ports import ContainerEngine
from schemas.codec import SchemaError, decode
from schemas.document import Part
from schemas.errors import TroopersError

VERB = "signal"


class SignalRequest(Part):
    """Which containers, by id, and what to send them."""

    containers: tuple[str, ...] = Field(min_length=1, max_length=1000)
    signal: str = Field(pattern=r"^[A-Z0-9+-]{1,16}$")


class Signals:
    """Signals our own containers."""

    def __init__(self, engine: ContainerEngine) -> None:
        self._engine = engine

    async def answer(self, payload: bytes) -> bytes:
        """`{"ok": true}`, or `{"error": why}` when any of them could not be signalled."""
        try:
            await self._send(decode(SignalRequest, payload))
        except TroopersError as error:
            return json.dumps({"error": str(error)}).encode()
        return b'{"ok": true}'

    async def _send(self, request: SignalRequest) -> None:
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
