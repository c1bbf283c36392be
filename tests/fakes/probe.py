"""Probes whose results a test sets."""

from agent.domain.observation import SeenContainer
from schemas.service import Probe


class FakeProbe:
    """`HealthProbe`: healthy unless `results` says otherwise for the container's name."""

    def __init__(self) -> None:
        self.results: dict[str, bool] = {}
        self.checks: list[str] = []

    async def check(self, container: SeenContainer, probe: Probe) -> bool:
        self.checks.append(container.name)
        return self.results.get(container.name, True)
