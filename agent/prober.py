"""Runs `aliyun.probe.*` checks of the containers on this node, each at its own pace.

A result wakes the loop only when it differs from the one before. A failing probe is reported; it
never restarts anything. Reads: containers, through their probes. Writes: nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from agent.domain.observation import SeenContainer
from agent.ports import HealthProbe
from schemas.service import Probe
from schemas.states import Health

log = structlog.get_logger()

#: Checks that wait hold no thread for long; this bounds sockets and execs, not CPU.
CONCURRENT_CHECKS = 16


@dataclass(frozen=True, slots=True)
class Target:
    """One run of one container: after a restart its probe begins anew."""

    container: SeenContainer
    probe: Probe

    @property
    def run(self) -> tuple[str, float, str]:
        return self.container.id, self.container.started_at or 0.0, self.container.ip


class Prober:
    """Keeps one task per watched container."""

    def __init__(
        self,
        probe: HealthProbe,
        tasks: asyncio.TaskGroup,
        on_change: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._probe = probe
        self._tasks = tasks
        self._on_change = on_change
        self._clock = clock
        self._turns = asyncio.Semaphore(CONCURRENT_CHECKS)
        # Of containers with shared volumes, which may all hang until their time-out.
        self._share_turns = asyncio.Semaphore(CONCURRENT_CHECKS)
        self._watched: dict[str, tuple[tuple[str, float, str], asyncio.Task[None]]] = {}
        self._results: dict[str, Health] = {}

    @property
    def results(self) -> Mapping[str, Health]:
        """The newest result by container id; none yet: missing."""
        return dict(self._results)

    def watch(self, targets: Iterable[Target]) -> None:
        """Probe exactly these from now on."""
        wanted = {target.container.id: target for target in targets}
        for container_id, (run, task) in list(self._watched.items()):
            if container_id not in wanted or wanted[container_id].run != run:
                task.cancel()
                del self._watched[container_id]
                self._results.pop(container_id, None)
        for container_id, target in wanted.items():
            if container_id not in self._watched:
                name = f"probe {target.container.name}"
                task = self._tasks.create_task(self._check_forever(target), name=name)
                self._watched[container_id] = (target.run, task)

    async def _check_forever(self, target: Target) -> None:
        delay_s, now = target.probe.initial_delay_s, self._clock()
        # It can't have started later than now; but a clock may have been set back since.
        started_at = min(target.container.started_at or now, now)
        await asyncio.sleep(max(0.0, started_at + delay_s - now))
        turns = self._share_turns if target.container.mounts else self._turns
        while True:
            async with turns:
                result = await self._check(target)
            if self._results.get(target.container.id) is not result:
                self._results[target.container.id] = result
                self._on_change()
            await asyncio.sleep(target.probe.interval_s)

    async def _check(self, target: Target) -> Health:
        try:
            async with asyncio.timeout(target.probe.timeout_s):
                is_healthy = await self._probe.check(target.container, target.probe)
        except TimeoutError:
            is_healthy = False
        except Exception:
            is_healthy = False
            if self._results.get(target.container.id) is not Health.FAILURE:
                log.exception("a defect of the agent: a probe", container=target.container.name)
        return Health.SUCCESS if is_healthy else Health.FAILURE
