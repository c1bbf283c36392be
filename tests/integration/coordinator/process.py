"""`python -m coordinator` as a process of its own, on loopback."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from cli.listening import answers, free_ports
from cli.processes import Child
from coordinator.failpoints import FAIL_VARIABLE

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[3]


class Process:
    """A coordinator, always under the same name."""

    def __init__(
        self, nats_url: str, directory: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        (port,) = free_ports(HOST, 1)
        self.url = f"http://{HOST}:{port}"
        self._environment = {
            "PYTHONPATH": str(ROOT),
            "TROOPERS_COORDINATOR_NAME": "c1",
            "TROOPERS_COORDINATOR_NATS_URL": nats_url,
            "TROOPERS_COORDINATOR_LISTEN": f"{HOST}:{port}",
            **(environment or {}),
        }
        self.child = Child(
            "coordinator",
            [sys.executable, "-m", "coordinator"],
            directory,
            ready=lambda: answers(HOST, port),
            environment=self._environment,
        )

    def accept_loss(self, epoch: int) -> None:
        """At the next launch."""
        self._environment["TROOPERS_COORDINATOR_ACCEPT_LOSS"] = str(epoch)

    def launch(self, *, fails_at: str = "") -> None:
        self.child.environment = {**self._environment, FAIL_VARIABLE: fails_at}
        self.child.launch()


async def until_ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
