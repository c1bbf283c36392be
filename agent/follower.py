"""Follows the engine's events, only to wake the loop. Subscribes first; the loop lists then.

Reads: the engine's event stream. Writes: nothing.
"""

import asyncio

import structlog

from agent.ports import EngineEvents
from agent.wakes import Wake, Wakes
from schemas.errors import Permanent, Transient

log = structlog.get_logger()

#: A second of blindness to events is bearable, and an engine that restarts is not pestered.
RETRY_S = 1.0


async def follow_events(events: EngineEvents, wakes: Wakes) -> None:
    """Forever: every end of the stream is a disconnect, after which everything is listed again."""
    is_away = False
    while True:
        try:
            async with events.subscribe() as stream:
                log.info("following the engine's events")
                is_away = False
                wakes.wake(Wake.ENGINE)
                async for _ in stream:
                    wakes.wake(Wake.ENGINE)
        except (Transient, Permanent) as error:
            if not is_away:
                log.warning("engine events lost", error=str(error))
            is_away = True
        wakes.wake(Wake.ENGINE)
        await asyncio.sleep(RETRY_S)
