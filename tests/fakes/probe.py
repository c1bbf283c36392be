"""Probes whose results a test sets."""

import asyncio

from agent.domain.observation import SeenContainer
from schemas.service import Probe


class FakeProbe:
    """`HealthProbe`: healthy unless `results` says otherwise for the container's name."""

    def __init__(self) -> None:
        self.results: dict[str, bool] = {}
        self.checks: list[str] = []
        #: images whose containers never answer
        self.hung: set[str] = set()
        #: containers, by name, at which the probe has a defect
        self.broken: set[str] = set()

    async def check(self, container: SeenContainer, probe: Probe) -> bool:
        self.checks.append(container.name)
        if container.image in self.hung:
            await asyncio.Event().wait()
        if container.name in self.broken:
            raise ZeroDivisionError("a defect")
        return self.results.get(container.name, True)
