"""One look at the node. A part that can't be read is None, never empty.

Reads: the engine. Writes: nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from agent.domain.observation import SeenContainer, SeenNetwork, SeenVolume
from agent.domain.status import EngineView
from agent.domain.timestamps import rfc3339
from agent.errors import Defect, EngineUnavailable
from agent.ports import ContainerEngine, EngineFacts
from schemas.current import EngineCurrent
from schemas.errors import Permanent, Transient
from schemas.states import EngineState

log = structlog.get_logger()

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look has seen, and when it began."""

    at: float
    engine: EngineView
    containers: tuple[SeenContainer, ...] | None
    networks: tuple[SeenNetwork, ...] | None
    volumes: tuple[SeenVolume, ...] | None
    images: Mapping[str, str] | None


class Observer:
    """Looks at the engine, and knows since when it is in which state."""

    def __init__(self, engine: ContainerEngine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._facts: EngineFacts | None = None
        self._state: EngineState | None = None
        self._since = 0.0
        self._last: Sight | None = None

    async def observe(self, references: Iterable[str]) -> Sight:
        """Look at everything; ask for these image references. Never raises for an engine error."""
        at = self._clock()
        errors: list[Exception] = []
        wanted = sorted(set(references))
        containers, networks, volumes, images, facts = await asyncio.gather(
            _attempt(self._engine.containers(), errors),
            _attempt(self._engine.networks(), errors),
            _attempt(self._engine.volumes(), errors),
            _attempt(self._engine.images(wanted), errors),
            _attempt(self._learn(), errors),
        )
        engine = self._judge(facts, errors, at)
        self._last = Sight(at, engine, containers, networks, volumes, images)
        return self._last

    async def recall(self, references: Iterable[str]) -> Sight:
        """The last look with fresh images, for when only the orders are new.

        Whatever changes a container wakes the loop for a look of its own. Images change silently,
        and few calls tell; a look at every container would delay the answer to a command.
        """
        last = self._last
        if last is None or None in (last.containers, last.networks, last.volumes):
            return await self.observe(references)
        try:
            images = await self._engine.images(sorted(set(references)))
        except Exception:  # noqa: BLE001 - the full look meets it again, and says it
            return await self.observe(references)
        return replace(last, at=self._clock(), images=images)

    async def _learn(self) -> EngineFacts:
        """The engine may have been upgraded while it was away; else its facts don't change."""
        if self._facts is None or self._state is not EngineState.READY:
            self._facts = await self._engine.facts()
        return self._facts

    def _judge(self, facts: EngineFacts | None, errors: list[Exception], at: float) -> EngineView:
        if not errors:
            state = EngineState.READY
        elif any(isinstance(error, EngineUnavailable) for error in errors):
            state = EngineState.DOWN
        else:
            state = EngineState.UNRESPONSIVE
        if state is not self._state:
            self._state, self._since = state, at
        facts = facts or self._facts
        return EngineView(
            EngineCurrent(
                state=state,
                version=facts.version if facts else "",
                api_version=facts.api_version if facts else "",
                reason=str(errors[0]) if errors else "",
                since=rfc3339(self._since),
            ),
            cpus=facts.cpus if facts else 0.0,
            memory_bytes=facts.memory_bytes if facts else 0,
        )


async def _attempt(reading: Awaitable[Part], errors: list[Exception]) -> Part | None:
    try:
        return await reading
    except (Transient, Permanent) as error:
        errors.append(error)
    except Exception as error:
        log.exception("a defect of the agent: what the engine shows can't be read")
        errors.append(Defect(error))
    return None
